using TorchSharp.Modules;
using static TorchSharp.torch;

namespace TorchSharp
{
#pragma warning disable CS1591 // mirrors TorchSharp's names one to one

    public static partial class torch
    {
        public static partial class optim
        {
            /// <summary>Limited-memory BFGS with a fixed step length <paramref name="lr"/> (no line search).</summary>
            public static LBFGS LBFGS(IEnumerable<(string name, Parameter parameter)> parameters, double lr = 0.01, long max_iter = 20, long? max_eval = null, double tolerange_grad = 1e-5, double tolerance_change = 1e-9, long history_size = 100) =>
                LBFGS(parameters.Select(np => np.parameter), lr, max_iter, max_eval, tolerange_grad, tolerance_change, history_size);

            /// <summary>Limited-memory BFGS with a fixed step length <paramref name="lr"/> (no line search).</summary>
            public static LBFGS LBFGS(IEnumerable<Parameter> parameters, double lr = 0.01, long max_iter = 20, long? max_eval = null, double tolerange_grad = 1e-5, double tolerance_change = 1e-9, long history_size = 100) =>
                new(parameters, lr, max_iter, max_eval ?? max_iter * 5 / 4, tolerange_grad, tolerance_change, history_size);
        }
    }

    namespace Modules
    {
        /// <summary>
        /// Limited-memory BFGS (Nocedal and Wright, "Numerical optimization", 2nd ed., algorithm 7.4), up to <c>max_iter</c>
        /// iterations a <see cref="step"/>, each with the fixed step length <see cref="LearningRate"/>.
        /// </summary>
        public class LBFGS : optim.Optimizer, optim.ILearningRateController
        {
            private readonly Parameter[] _params;
            private readonly long _maxIterations, _maxEvaluations;
            private readonly int _historySize;
            private readonly double _gradientTolerance, _changeTolerance;

            // The memory of steps s and gradient differences y, oldest first, with 1 / (y . s).
            private readonly List<(Tensor S, Tensor Y, double Rho)> _history = [];
            private Tensor? _direction, _previousGradient;
            private double _step, _inverseScale = 1;
            private long _iterations;

            internal LBFGS(IEnumerable<Parameter> parameters, double lr, long maxIterations, long maxEvaluations, double gradientTolerance, double changeTolerance, long historySize) : base(0)
            {
                if (!(lr >= 0)) throw new ArgumentException($"Invalid learning rate: {lr}");
                if (historySize < 1) throw new ArgumentException($"Invalid history size: {historySize}");
                _params = [.. parameters];
                (_maxIterations, _maxEvaluations) = (maxIterations, maxEvaluations);
                (_gradientTolerance, _changeTolerance) = (gradientTolerance, changeTolerance);
                _historySize = checked((int)historySize);
                _parameter_groups = [new ParamGroup { Parameters = _params, Options = new OptimizerOptions { LearningRate = lr, InitialLearningRate = lr } }];
            }

            public double LearningRate
            {
                get => _parameter_groups[0].LearningRate;
                set => _parameter_groups[0].LearningRate = value;
            }

            public double InitialLearningRate
            {
                get => _parameter_groups[0].InitialLearningRate;
                set => _parameter_groups[0].InitialLearningRate = value;
            }

            public override IEnumerable<optim.ILearningRateController> ParamGroups => _parameter_groups;
            public override IEnumerable<Parameter> parameters() => _params;

            /// <summary>Up to <c>max_iter</c> iterations. The loss at the point where they began.</summary>
            /// <param name="closure">Clears the gradients, computes the loss, runs backward, returns the loss.</param>
            /// <returns>The first loss.</returns>
            public override Tensor step(Func<Tensor> closure)
            {
                ArgumentNullException.ThrowIfNull(closure);
                var first = Evaluate(closure);
                using var gradient = no_grad();
                var loss = first.ToDouble();
                var g = Gradient();
                try
                {
                    if (LargestOf(g) <= _gradientTolerance) return first;
                    var evaluations = 1L;
                    for (var k = 1L; k <= _maxIterations; k++)
                    {
                        _iterations++;
                        Direction(g);
                        _previousGradient?.Dispose();
                        _previousGradient = g.clone().DetachFromDisposeScope();
                        var previousLoss = loss;
                        double slope;
                        using (NewDisposeScope())
                        {
                            _step = (_iterations == 1 ? Math.Min(1, 1 / g.abs().sum().ToDouble()) : 1) * LearningRate;
                            slope = g.dot(_direction!).ToDouble();
                        }
                        if (slope > -_changeTolerance) break;
                        Move(_step);
                        var converged = false;
                        if (k < _maxIterations)
                        {
                            using (var next = Evaluate(closure)) loss = next.ToDouble();
                            g.Dispose();
                            g = Gradient();
                            converged = LargestOf(g) <= _gradientTolerance;
                            evaluations++;
                        }
                        if (k == _maxIterations || evaluations >= _maxEvaluations || converged) break;
                        if (LargestOf(_direction!) * Math.Abs(_step) <= _changeTolerance) break;
                        if (Math.Abs(loss - previousLoss) < _changeTolerance) break;
                    }
                    return first;
                }
                finally
                {
                    g.Dispose();
                }
            }

            private static Tensor Evaluate(Func<Tensor> closure)
            {
                using (enable_grad()) return closure();
            }

            // -H g by the two-loop recursion.
            private void Direction(Tensor g)
            {
                using var scope = NewDisposeScope();
                if (_iterations == 1)
                {
                    SetDirection(g.neg());
                    return;
                }
                Remember(_direction!.mul(_step), g.sub(_previousGradient!));
                var q = g.neg();
                var alpha = new double[_history.Count];
                for (var i = _history.Count - 1; i >= 0; i--)
                {
                    var (s, y, rho) = _history[i];
                    alpha[i] = s.dot(q).ToDouble() * rho;
                    q.add_(y, -alpha[i]);
                }
                q.mul_(_inverseScale);
                for (var i = 0; i < _history.Count; i++)
                {
                    var (s, y, rho) = _history[i];
                    var beta = y.dot(q).ToDouble() * rho;
                    q.add_(s, alpha[i] - beta);
                }
                SetDirection(q);
            }

            private void Remember(Tensor s, Tensor y)
            {
                var ys = y.dot(s).ToDouble();
                if (ys <= 1e-10) return;
                if (_history.Count == _historySize)
                {
                    _history[0].S.Dispose();
                    _history[0].Y.Dispose();
                    _history.RemoveAt(0);
                }
                _history.Add((s.DetachFromDisposeScope(), y.DetachFromDisposeScope(), 1 / ys));
                _inverseScale = ys / y.dot(y).ToDouble();
            }

            private void SetDirection(Tensor d)
            {
                _direction?.Dispose();
                _direction = d.DetachFromDisposeScope();
            }

            // All gradients, one after the other; zeros where a parameter has none.
            private Tensor Gradient()
            {
                using var scope = NewDisposeScope();
                var parts = _params.Select(p => (p.grad ?? zeros_like(p)).detach().reshape(-1)).ToArray();
                return cat(parts).DetachFromDisposeScope();
            }

            private void Move(double t)
            {
                using var scope = NewDisposeScope();
                long at = 0;
                foreach (var p in _params)
                {
                    var n = p.numel();
                    p.add_(_direction!.narrow(0, at, n).view(p.shape), t);
                    at += n;
                }
            }

            private static double LargestOf(Tensor t)
            {
                using var scope = NewDisposeScope();
                return t.abs().max().ToDouble();
            }

            protected override void Dispose(bool disposing)
            {
                if (disposing)
                {
                    foreach (var (s, y, _) in _history)
                    {
                        s.Dispose();
                        y.Dispose();
                    }
                    _history.Clear();
                    _direction?.Dispose();
                    _previousGradient?.Dispose();
                }
                base.Dispose(disposing);
            }
        }
    }
}
