"""The other side of `./daml bench compare`: the same computations as a good NumPy and PyTorch user would write them.

Reads lines `WORKLOAD REPETITIONS`, answers each with `WALL_SECONDS CPU_SECONDS` per repetition.
Formulas: Lorenz-96 (Lorenz and Emanuel 1998) by classical Runge-Kutta; ETKF with symmetric square root and LETKF (Hunt et
al. 2007), EnKF-N (Bocquet et al. 2015), IEnKF (Bocquet and Sakov 2014); the residual convolutional analysis of Bocquet et al. 2024 with truncated back-propagation and Adam.
"""
import os
import sys
import time

try:
    import numpy as np
except ImportError:     # the workloads of PyTorch do without
    np = None

N, FORCING, DT = 40, 8.0, 0.05


# ---- NumPy ----------------------------------------------------------------------------------------------------------

def tendency(x):
    return (np.roll(x, -1, -1) - np.roll(x, 2, -1)) * np.roll(x, 1, -1) - x + FORCING


def step(x):
    k1 = tendency(x)
    k2 = tendency(x + 0.5 * DT * k1)
    k3 = tendency(x + 0.5 * DT * k2)
    k4 = tendency(x + DT * k3)
    return x + DT / 6 * (k1 + 2 * k2 + 2 * k3 + k4)


def spun_up(shape, generator):
    x = FORCING + generator.normal(size=shape)
    for _ in range(200):
        x = step(x)
    return x


class ModelStep:
    """One step of an ensemble of 40 states."""

    def __init__(self):
        self.ensemble = spun_up((40, N), np.random.default_rng(1))

    def __call__(self):
        self.ensemble = step(self.ensemble)


class Filter:
    """One cycle of a filter that has the truth: truth and observation, forecast of all members, analysis with H = I, R = I."""

    def __init__(self, members, inflation=1.0):
        generator = np.random.default_rng(2)
        self.inflation = inflation
        self.truth = spun_up((N,), generator)
        self.ensemble = self.truth + generator.normal(size=(members, N))
        self.generator = generator

    def __call__(self):
        self.truth = step(self.truth)
        observation = self.truth + self.generator.normal(size=N)
        self.ensemble = self.analyse(step(self.ensemble), observation)


class EnsembleTransformKalmanFilter(Filter):
    """Symmetric square root (Hunt et al. 2007)."""

    def analyse(self, E, observation):
        members = len(E)
        mean = E.mean(0)
        A = E - mean                                  # anomalies; H = I and R = I, so Y = S = A
        innovation = observation - mean
        d, V = np.linalg.eigh(A @ A.T + (members - 1) * np.eye(members))
        T = (V / np.sqrt(d)) @ V.T * np.sqrt(members - 1)
        w = (V / d) @ (V.T @ (A @ innovation))
        return mean + w @ A + self.inflation * (T @ A)


class FiniteSizeEnsembleKalmanFilter(Filter):
    """EnKF-N, dual form (Bocquet et al. 2015), the prior weight zeta = (N - 1) / l^2 by Newton's method from l = 1, mode-corrected."""

    def analyse(self, E, observation):
        members = len(E)
        mean = E.mean(0)
        A = E - mean
        d, V = np.linalg.eigh(A @ A.T)
        d = d.clip(0)
        g = V.T @ (A @ (observation - mean))
        epsilon, nu = 1 + 1 / members, members
        untouched = ((members - 1) / (d + members - 1)).mean()
        correction = (epsilon * (members - 1) / nu) ** (untouched / 2)
        epsilon, nu = epsilon / correction, nu * correction
        u = np.log(members - 1.0)                     # u = ln zeta; D'(u) = 0
        for _ in range(50):
            zeta = np.exp(u)
            shifted = d + zeta
            term = g**2 * zeta / shifted**2
            slope = epsilon * zeta - nu + term.sum()
            curvature = epsilon * zeta + (term * (d - zeta) / shifted).sum()
            change = slope / curvature
            u -= change
            if abs(change) < 1e-13:
                break
        zeta = np.exp(u)
        T = (V / np.sqrt(d + zeta)) @ V.T * np.sqrt(members - 1)
        w = V @ (g / (d + zeta))
        return mean + w @ A + T @ A


class IterativeEnsembleKalmanFilter(Filter):
    """IEnKF, transform form (Sakov et al. 2012; Bocquet and Sakov 2014), lag one, Gauss-Newton to a step of 0.001."""

    def __init__(self, members, inflation):
        super().__init__(members, inflation)
        self.run = step(self.ensemble)                # the forecast from the window's beginning

    def __call__(self):
        self.truth = step(self.truth)
        observation = self.truth + self.generator.normal(size=N)
        members = len(self.ensemble)
        mean = self.ensemble.mean(0)
        A = self.ensemble - mean
        w, inverse, run = np.zeros(members), None, self.run
        for iteration in range(10):
            if iteration > 0:
                run = step(mean + w @ A + T @ A)
            centre = run.mean(0)
            Y = run - centre
            if iteration > 0:
                Y = inverse @ Y
            d, V = np.linalg.eigh(Y @ Y.T + (members - 1) * np.eye(members))
            new = (V / d) @ (V.T @ (Y @ (observation - centre + w @ Y)))
            change, w = new - w, new
            s = np.sqrt(d / (members - 1))
            T = (V / s) @ V.T
            if (members - 1) * change @ change <= 1e-6:
                break
            inverse = (V * s) @ V.T
        E = step(mean + w @ A + T @ A)
        centre = E.mean(0)
        self.ensemble = centre + self.inflation * (E - centre)      # where the next window begins
        self.run = step(self.ensemble)


class LocalEnsembleTransformKalmanFilter(Filter):
    """LETKF (Hunt et al. 2007): all local analyses at once in stacks of matrices; Gaspari-Cohn, e-folding radius four sites."""

    def __init__(self, members, inflation):
        super().__init__(members, inflation)
        c = 1.82 * 4
        offsets = np.arange(-int(2 * c), int(2 * c) + 1)
        z = np.abs(offsets) / c
        near = 1 - 5 / 3 * z**2 + 5 / 8 * z**3 + z**4 / 2 - z**5 / 4
        far = 4 - 5 * z + 5 / 3 * z**2 + 5 / 8 * z**3 - z**4 / 2 + z**5 / 12 - 2 / (3 * np.maximum(z, 0.1))
        self.taper = np.where(z <= 1, near, far)[:, None]
        self.near = (np.arange(N)[:, None] + offsets) % N           # [point, observation]
        self.prior = (members - 1) * np.eye(members)

    def analyse(self, E, observation):
        members = len(E)
        mean = E.mean(0)
        A = (E - mean).T                                            # [point, member]
        Y = A[self.near]                                            # [point, observation, member]
        weighted = Y * self.taper
        d, V = np.linalg.eigh(Y.transpose(0, 2, 1) @ weighted + self.prior)
        innovation = (observation - mean)[self.near]
        right = weighted.transpose(0, 2, 1) @ innovation[:, :, None]
        U = V.transpose(0, 2, 1)
        w = V @ ((U @ right) / d[:, :, None])                       # [point, member, 1]
        x = A[:, :, None]
        T = V @ ((U @ x) / np.sqrt(d / (members - 1))[:, :, None])
        return (mean[:, None] + (w * x).sum(1) + self.inflation * T[:, :, 0]).T


class ThreeDimensionalVariational:
    """One cycle of 3D-Var with a full background error covariance and its gain computed once; truth and observation included."""

    def __init__(self):
        self.generator = np.random.default_rng(2)
        apart = np.abs(np.subtract.outer(np.arange(N), np.arange(N)))
        B = 0.2 * np.exp(-np.minimum(apart, N - apart) ** 2 / 2)
        self.gain = B @ np.linalg.inv(B + np.eye(N))
        self.truth = spun_up((N,), self.generator)
        self.analysis = self.truth + self.generator.normal(size=N)

    def __call__(self):
        self.truth = step(self.truth)
        observation = self.truth + self.generator.normal(size=N)
        forecast = step(self.analysis)
        self.analysis = forecast + self.gain @ (observation - forecast)


class ShallowWater:
    """One step of the shallow-water model (Sadourny's energy-conserving form, closed walls, 64 x 64 cells) on whole arrays."""

    def __init__(self, cells=64):
        self.n, self.d = cells, 1.8e6 / cells
        self.g, self.depth, self.drag, self.nu, self.h = 0.02, 500.0, 1e-7, 400.0, 1800.0 * 64 / cells
        corner = np.arange(cells + 1) * self.d - 0.9e6
        self.f = (7e-5 + 2e-11 * corner)[:, None]
        y = (np.arange(cells) + 0.5) / cells
        self.wind = (-0.06 * np.cos(2 * np.pi * y) / (1000 * self.depth))[:, None]
        self.eta, self.u, self.v = np.zeros((cells, cells)), np.zeros((cells, cells + 1)), np.zeros((cells + 1, cells))   # u, v with their walls
        for _ in range(48):
            self()

    def tendency(self, eta, u, v):
        d = self.d
        e = np.pad(eta, 1, mode="edge")
        across, along = self.depth + 0.5 * (e[:, 1:] + e[:, :-1]), self.depth + 0.5 * (e[1:] + e[:-1])
        U, V = across[1:-1] * u, along[:, 1:-1] * v
        squares, squares_v = u * u, v * v
        B = self.g * eta + 0.25 * (squares[:, 1:] + squares[:, :-1] + squares_v[1:] + squares_v[:-1])
        u_pad, v_pad = np.concatenate([u[:1], u, u[-1:]]), np.concatenate([v[:, :1], v, v[:, -1:]], axis=1)
        q = (self.f + (v_pad[:, 1:] - v_pad[:, :-1] - u_pad[1:] + u_pad[:-1]) / d) / (0.5 * (across[1:] + across[:-1]))
        turn_u = q[:, 1:-1] * (0.25 * (V[:, 1:] + V[:, :-1]))
        turn_v = q[1:-1] * (0.25 * (U[1:] + U[:-1]))
        k = self.nu / (d * d)
        du, dv = np.zeros_like(u), np.zeros_like(v)
        inner, inner_v = u[:, 1:-1], v[1:-1]
        du[:, 1:-1] = (turn_u[1:] + turn_u[:-1] - (B[:, 1:] - B[:, :-1]) / d + self.wind - self.drag * inner
                       + k * (u[:, 2:] + u[:, :-2] + u_pad[2:, 1:-1] + u_pad[:-2, 1:-1] - 4 * inner))
        dv[1:-1] = (-(turn_v[:, 1:] + turn_v[:, :-1]) - (B[1:] - B[:-1]) / d - self.drag * inner_v
                    + k * (v[2:] + v[:-2] + v_pad[1:-1, 2:] + v_pad[1:-1, :-2] - 4 * inner_v))
        return -(U[:, 1:] - U[:, :-1] + V[1:] - V[:-1]) / d, du, dv

    def __call__(self):
        x, h = (self.eta, self.u, self.v), self.h
        k1 = self.tendency(*x)
        k2 = self.tendency(*(a + 0.5 * h * b for a, b in zip(x, k1)))
        k3 = self.tendency(*(a + 0.5 * h * b for a, b in zip(x, k2)))
        k4 = self.tendency(*(a + h * b for a, b in zip(x, k3)))
        self.eta, self.u, self.v = (a + h / 6 * (b + 2 * c + 2 * d + e) for a, b, c, d, e in zip(x, k1, k2, k3, k4))


# ---- PyTorch --------------------------------------------------------------------------------------------------------

def training(filters, blocks, sub_blocks, batch, truncation=16, device="cpu", tf32=False):
    import torch
    from torch import nn

    class Convolution(nn.Conv1d):
        def __init__(self, channels_in, channels_out):
            super().__init__(channels_in, channels_out, 5, padding=2, padding_mode="circular")

    class Network(nn.Module):
        def __init__(self):
            super().__init__()
            self.encode = Convolution(2, filters)
            self.blocks = nn.ModuleList(
                nn.Sequential(*[layer for _ in range(sub_blocks)
                                for layer in (Convolution(filters, filters), nn.BatchNorm1d(filters), nn.Mish())])
                for _ in range(blocks))
            self.decode = Convolution(filters, 1)

        def forward(self, state, innovation):
            z = self.encode(torch.stack([state, innovation], 1))
            for block in self.blocks:
                z = z + block(z)
            return self.decode(z).squeeze(1)

    def tendency(x):
        return (torch.roll(x, -1, -1) - torch.roll(x, 2, -1)) * torch.roll(x, 1, -1) - x + FORCING

    def step(x):
        k1 = tendency(x)
        k2 = tendency(x + 0.5 * DT * k1)
        k3 = tendency(x + 0.5 * DT * k2)
        k4 = tendency(x + DT * k3)
        return x + DT / 6 * (k1 + 2 * k2 + 2 * k3 + k4)

    class TrainingStep:
        """One optimiser step: 16 cycles of forecast and analysis, backward, clipping, Adam."""

        def __init__(self):
            torch.manual_seed(3)
            torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", os.cpu_count())))
            self.network = Network().to(device)
            self.optimiser = torch.optim.Adam(self.network.parameters(), 1e-3)
            with torch.no_grad():
                self.truth = FORCING + torch.randn(batch, N, device=device)
                for _ in range(200):
                    self.truth = step(self.truth)
                self.analysis = self.truth + torch.randn(batch, N, device=device)

        def finish(self):
            if device != "cpu":
                torch.cuda.synchronize()

        def __call__(self):
            if device != "cpu":
                torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = tf32
            analysis = self.analysis
            loss = 0.0
            for _ in range(truncation):
                with torch.no_grad():
                    self.truth = step(self.truth)
                    observation = self.truth + torch.randn(batch, N, device=device)
                forecast = step(analysis)
                analysis = forecast + self.network(forecast, observation - forecast)
                loss = loss + (analysis - self.truth).square().mean()
            loss = loss / truncation
            self.optimiser.zero_grad(set_to_none=True)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(self.network.parameters(), 1.0)
            self.optimiser.step()
            self.analysis = analysis.detach()
            if not torch.isfinite(self.analysis).all():
                self.analysis = self.truth + torch.randn(batch, N, device=device)

    return TrainingStep()


WORKLOADS = {
    "model.l96": ModelStep,
    "filter.etkf.20": lambda: EnsembleTransformKalmanFilter(20, 1.04),
    "filter.etkf.40": lambda: EnsembleTransformKalmanFilter(40, 1.01),
    "filter.enkf-n.40": lambda: FiniteSizeEnsembleKalmanFilter(40),
    "filter.ienkf.40": lambda: IterativeEnsembleKalmanFilter(40, 1.01),
    "filter.letkf.7": lambda: LocalEnsembleTransformKalmanFilter(7, 1.06),
    "filter.var3d": ThreeDimensionalVariational,
    "model.shallow-water": ShallowWater,
    "training.16x2x2": lambda: training(16, 2, 2, 32),
    "training.20x3x3": lambda: training(20, 3, 3, 128),
    "training.40x5x5": lambda: training(40, 5, 5, 64),
}


def on_device(name):
    """training.cuda.40x5x5.64.Full: filters, blocks and sub-blocks, batch, precision of matrices."""
    _, device, size, batch, precision = name.split(".")
    return training(*map(int, size.split("x")), int(batch), device=device, tf32=precision == "TensorFloat32")


def main():
    ready = {}
    for line in sys.stdin:
        name, repetitions = line.split()
        repetitions = int(repetitions)
        if name not in ready:
            ready[name] = WORKLOADS[name]() if name in WORKLOADS else on_device(name)
        work = ready[name]
        finish = getattr(work, "finish", lambda: None)
        finish()
        wall, cpu = time.perf_counter(), time.process_time()
        for _ in range(repetitions):
            work()
        finish()
        print((time.perf_counter() - wall) / repetitions, (time.process_time() - cpu) / repetitions, flush=True)


if __name__ == "__main__":
    main()
