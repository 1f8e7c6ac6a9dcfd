using TorchSharp.Modules;
using static TorchSharp.torch;

namespace TorchSharp
{
    namespace Modules
    {
        /// <summary>A tensor that modules register as something to be learned.</summary>
        public class Parameter : Tensor
        {
            /// <summary>Takes the data over from <paramref name="data"/>, which becomes invalid, and its place in the dispose scope that owns it.</summary>
            /// <param name="data">The initial value.</param>
            /// <param name="requires_grad">Whether gradients are to be accumulated in it.</param>
            public Parameter(Tensor data, bool requires_grad = true) : this(data, requires_grad, data.OwningDisposeScope)
            {
            }

            private Parameter(Tensor data, bool requiresGrad, DisposeScope? scope) : base(Take(data, requiresGrad))
            {
                if (scope is null) DetachFromDisposeScope();
                else if (!ReferenceEquals(scope, OwningDisposeScope)) MoveToOtherDisposeScope(scope);
            }

            private static nint Take(Tensor data, bool requiresGrad)
            {
                data.requires_grad = requiresGrad;
                return data.DecoupleFromNativeHandle();
            }
        }
    }

    public static partial class torch
    {
        public static partial class nn
        {
            /// <summary>A tensor that modules register as something to be learned; it takes the data over from <paramref name="data"/>, which becomes invalid.</summary>
            /// <param name="data">The initial value.</param>
            /// <param name="requires_grad">Whether gradients are to be accumulated in it.</param>
            /// <returns>The parameter.</returns>
            public static Parameter Parameter(Tensor data, bool requires_grad = true) => new(data, requires_grad);
        }
    }
}
