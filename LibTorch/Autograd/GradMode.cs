#pragma warning disable CS1591 // the names are TorchSharp's and PyTorch's, and are documented there

using DaML.LibTorch;

namespace TorchSharp;

public static partial class torch
{
    // Sets the thread's gradient mode and puts back what was there.
    private sealed class GradModeGuard : IDisposable
    {
        private readonly bool before = is_grad_enabled();
        private bool done;

        internal GradModeGuard(bool enabled) => Native.daml_set_grad_mode(enabled ? 1 : 0);

        public void Dispose()
        {
            if (done) return;
            done = true;
            Native.daml_set_grad_mode(before ? 1 : 0);
        }
    }

    private sealed class InferenceModeGuard(bool enabled) : IDisposable
    {
        private nint guard = Native.daml_inference_mode_enter(enabled ? 1 : 0);

        public void Dispose()
        {
            var g = Interlocked.Exchange(ref guard, 0);
            if (g != 0) Native.daml_inference_mode_leave(g);
        }
    }

    public static IDisposable no_grad() => new GradModeGuard(false);
    public static IDisposable enable_grad(bool enabled = true) => new GradModeGuard(enabled);
    public static IDisposable set_grad_enabled(bool mode = true) => new GradModeGuard(mode);
    public static bool is_grad_enabled() => Native.daml_grad_mode() != 0;
    public static IDisposable inference_mode(bool mode = true) => new InferenceModeGuard(mode);
    public static bool is_inference_mode_enabled() => Native.daml_inference_mode() != 0;
}
