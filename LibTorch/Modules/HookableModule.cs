namespace TorchSharp;

#pragma warning disable CS1591 // mirrors TorchSharp's names one to one

public static partial class torch
{
    public static partial class nn
    {
        /// <summary>A module whose calls can be watched and altered by hooks.</summary>
        /// <typeparam name="TPreHook">The type of a hook that runs before <c>forward</c>.</typeparam>
        /// <typeparam name="TPostHook">The type of a hook that runs after it.</typeparam>
        public class HookableModule<TPreHook, TPostHook> : Module
        {
            protected Dictionary<string, TPreHook> pre_hooks = [];
            protected Dictionary<string, TPostHook> post_hooks = [];
            protected Dictionary<string, Action<Module>> module_pre_hooks = [];
            protected Dictionary<string, Action<Module>> module_post_hooks = [];

            private long _nextHook;

            protected HookableModule(string name) : base(name)
            {
            }

            public HookRemover register_forward_hook(TPostHook hook) => Register(post_hooks, hook);
            public HookRemover register_forward_hook(Action<Module> hook) => Register(module_post_hooks, hook);
            public HookRemover register_forward_pre_hook(TPreHook hook) => Register(pre_hooks, hook);
            public HookRemover register_forward_pre_hook(Action<Module> hook) => Register(module_pre_hooks, hook);

            private HookRemover Register<THook>(Dictionary<string, THook> hooks, THook hook)
            {
                var key = $"{_nextHook++}";
                hooks.Add(key, hook);
                return new HookRemover(() => hooks.Remove(key));
            }

            private protected void RunModuleHooks(Dictionary<string, Action<Module>> hooks)
            {
                if (hooks.Count == 0) return;
                foreach (var hook in hooks.Values) hook(this);
            }

            /// <summary>Takes a hook away again.</summary>
            public class HookRemover
            {
                private readonly Action _remove;

                internal HookRemover(Action remove) => _remove = remove;

                public void remove() => _remove();
            }
        }

        /// <summary>What can be called with one argument.</summary>
        /// <typeparam name="T">The argument.</typeparam>
        /// <typeparam name="TResult">The result.</typeparam>
        public interface IModule<T, TResult>
        {
            TResult call(T input1);
        }

        /// <summary>What can be called with two arguments.</summary>
        /// <typeparam name="T1">The first argument.</typeparam>
        /// <typeparam name="T2">The second argument.</typeparam>
        /// <typeparam name="TResult">The result.</typeparam>
        public interface IModule<T1, T2, TResult>
        {
            TResult call(T1 input1, T2 input2);
        }

        /// <summary>What can be called with three arguments.</summary>
        /// <typeparam name="T1">The first argument.</typeparam>
        /// <typeparam name="T2">The second argument.</typeparam>
        /// <typeparam name="T3">The third argument.</typeparam>
        /// <typeparam name="TResult">The result.</typeparam>
        public interface IModule<T1, T2, T3, TResult>
        {
            TResult call(T1 input1, T2 input2, T3 input3);
        }

        /// <summary>A module whose <see cref="forward"/> takes one argument.</summary>
        /// <typeparam name="T">The argument.</typeparam>
        /// <typeparam name="TResult">The result.</typeparam>
        public abstract class Module<T, TResult> :
            HookableModule<Func<Module<T, TResult>, T, T>, Func<Module<T, TResult>, T, TResult, TResult>>,
            IModule<T, TResult>
        {
            protected Module(string name) : base(name)
            {
            }

            public abstract TResult forward(T input);

            /// <summary>Runs <see cref="forward"/> between the hooks; a hook that returns null changes nothing.</summary>
            public TResult call(T input)
            {
                RunModuleHooks(module_pre_hooks);
                foreach (var hook in pre_hooks.Values)
                {
                    if (hook(this, input) is { } altered) input = altered;
                }
                var result = forward(input);
                foreach (var hook in post_hooks.Values)
                {
                    if (hook(this, input, result) is { } altered) result = altered;
                }
                RunModuleHooks(module_post_hooks);
                return result;
            }
        }

        /// <summary>A module whose <see cref="forward"/> takes two arguments.</summary>
        /// <typeparam name="T1">The first argument.</typeparam>
        /// <typeparam name="T2">The second argument.</typeparam>
        /// <typeparam name="TResult">The result.</typeparam>
        public abstract class Module<T1, T2, TResult> :
            HookableModule<Func<Module<T1, T2, TResult>, T1, T2, (T1, T2)?>, Func<Module<T1, T2, TResult>, T1, T2, TResult, TResult>>,
            IModule<T1, T2, TResult>
        {
            protected Module(string name) : base(name)
            {
            }

            public abstract TResult forward(T1 input1, T2 input2);

            /// <summary>Runs <see cref="forward"/> between the hooks; a hook that returns null changes nothing.</summary>
            public TResult call(T1 input1, T2 input2)
            {
                RunModuleHooks(module_pre_hooks);
                foreach (var hook in pre_hooks.Values)
                {
                    if (hook(this, input1, input2) is { } altered) (input1, input2) = altered;
                }
                var result = forward(input1, input2);
                foreach (var hook in post_hooks.Values)
                {
                    if (hook(this, input1, input2, result) is { } altered) result = altered;
                }
                RunModuleHooks(module_post_hooks);
                return result;
            }
        }

        /// <summary>A module whose <see cref="forward"/> takes three arguments.</summary>
        /// <typeparam name="T1">The first argument.</typeparam>
        /// <typeparam name="T2">The second argument.</typeparam>
        /// <typeparam name="T3">The third argument.</typeparam>
        /// <typeparam name="TResult">The result.</typeparam>
        public abstract class Module<T1, T2, T3, TResult> :
            HookableModule<Func<Module<T1, T2, T3, TResult>, T1, T2, T3, (T1, T2, T3)?>, Func<Module<T1, T2, T3, TResult>, T1, T2, T3, TResult, TResult>>,
            IModule<T1, T2, T3, TResult>
        {
            protected Module(string name) : base(name)
            {
            }

            public abstract TResult forward(T1 input1, T2 input2, T3 input3);

            /// <summary>Runs <see cref="forward"/> between the hooks; a hook that returns null changes nothing.</summary>
            public TResult call(T1 input1, T2 input2, T3 input3)
            {
                RunModuleHooks(module_pre_hooks);
                foreach (var hook in pre_hooks.Values)
                {
                    if (hook(this, input1, input2, input3) is { } altered) (input1, input2, input3) = altered;
                }
                var result = forward(input1, input2, input3);
                foreach (var hook in post_hooks.Values)
                {
                    if (hook(this, input1, input2, input3, result) is { } altered) result = altered;
                }
                RunModuleHooks(module_post_hooks);
                return result;
            }
        }
    }
}
