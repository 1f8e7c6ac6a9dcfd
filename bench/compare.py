"""`./daml bench compare`: DaML beside NumPy, Python's torch, TorchSharp's operators and an older build, in one run.

Both sides of a pair stay alive as workers and take turns, so what the machine does meanwhile hits both; what is printed
are medians of paired ratios (the other's time over DaML's, above 1: DaML is faster). A run of everything also writes its
table into docs/performance.md.
"""
import argparse
import ctypes
import datetime
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
# workload: (repetitions a turn, what is compared, the ratio's name in the JSON, of wall or processor time)
WORKLOADS = {
    "model.l96": (4000, "Lorenz-96 Runge-Kutta step, 40 members, NumPy", "model.speedup.l96", "cpu"),
    "filter.etkf.20": (1000, "ETKF cycle, n = 40, N = 20, NumPy", "filter.speedup.etkf.20", "cpu"),
    "filter.etkf.40": (600, "ETKF cycle, n = 40, N = 40, NumPy", "filter.speedup.etkf.40", "cpu"),
    "filter.enkf-n.40": (600, "EnKF-N cycle, n = 40, N = 40, NumPy", "filter.speedup.enkf_n.40", "cpu"),
    "filter.ienkf.40": (200, "IEnKF cycle, n = 40, N = 40, NumPy", "filter.speedup.ienkf.40", "cpu"),
    "filter.letkf.7": (600, "LETKF cycle, n = 40, N = 7, NumPy", "filter.speedup.letkf.7", "cpu"),
    "filter.var3d": (8000, "3D-Var cycle, n = 40, NumPy", "filter.speedup.var3d", "cpu"),
    "training.16x2x2": (5, "training step, 16 filters, 2 x 2, batch 32, 16 cycles, torch", "training.speedup.16x2x2", "wall"),
    "training.20x3x3": (2, "training step, 20 filters, 3 x 3, batch 128, 16 cycles, torch", "training.speedup.20x3x3", "wall"),
    "training.40x5x5": (1, "training step, 40 filters, 5 x 5, batch 64, 16 cycles, torch", "training.speedup.40x5x5", "wall"),
}
SIZES = {"16x2x2": (5, "16 filters, 2 x 2, batch 32"), "20x3x3": (2, "20 filters, 3 x 3, batch 128"), "40x5x5": (1, "40 filters, 5 x 5, batch 64")}
# trainings beside TorchSharp's operators alone
NETWORKS = {
    "training.dan": (20, "DAN's training step, memory of 240, 4 layers, 2 cycles, batch 64, TorchSharp's operators", "training.vs_eager.dan"),
    "training.lstm": (20, "emulator's training step, LSTM of 128, 2 lags, 5 leads, batch 128, TorchSharp's operators", "training.vs_eager.lstm"),
}
ALL = [*WORKLOADS, *NETWORKS]


class Pair:
    """What is compared: a workload of DaML's and one of another worker."""

    def __init__(self, name, other, theirs, repetitions, text, metric, kind):
        self.name, self.other, self.theirs = name, other, theirs
        self.repetitions, self.text, self.metric, self.kind = repetitions, text, metric, kind


def pairs(workloads, baseline):
    """All pairs of some workloads: with Python, for trainings also with TorchSharp's operators, and with the older build if it is given."""
    for name in workloads:
        if name in NETWORKS:
            repetitions, text, metric = NETWORKS[name]
            yield Pair(name, "eager", name.replace("training.", "training.eager."), repetitions, text, metric, "wall")
            continue
        repetitions, text, metric, kind = WORKLOADS[name]
        yield Pair(name, "python", name, repetitions, text, metric, kind)
    for name in workloads:
        area, _, size = name.partition(".")
        if area != "training" or name in NETWORKS:
            continue
        repetitions, text = SIZES[size]
        yield Pair(name, "eager", f"training.eager.{size}", repetitions, f"training step, {text}, 16 cycles, TorchSharp's operators", f"training.vs_eager.{size}", "wall")
        if baseline:
            yield Pair(name, "baseline", name, repetitions, f"training step, {text}, 16 cycles, the older build", f"training.vs_baseline.{size}", "wall")


SWEEPS = [("etkf", 20, "ETKF (N = 20)"), ("enkf-n", 20, "EnKF-N (20)"), ("ienkf", 20, "IEnKF (20)"), ("letkf", 7, "LETKF (7)")]
PINNED = open(os.path.join(HERE, os.pardir, "Directory.Packages.props")).read()
VERSIONS = {name: re.search(f'"{name}" Version="([^"]+)"', PINNED).group(1) for name in ("TorchSharp", "libtorch-cpu-linux-x64")}
DOCUMENT = os.path.join(HERE, os.pardir, "docs", "performance.md")
BEGIN, END = "<!-- written by bench compare -->", "<!-- end of what bench compare wrote -->"


def training_flops(filters, blocks, batch, sites=40, kernel=5, cycles=16):
    """Multiplications and additions of the convolutions of a training step, forward and twice that backward."""
    return 3 * 2 * cycles * batch * sites * kernel * (filters * filters * blocks * blocks + 3 * filters)


class Worker:
    def __init__(self, command):
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def run(self, name, repetitions):
        self.process.stdin.write(f"{name} {repetitions}\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        if not answer:
            sys.exit(f"bench: a worker ended while it ran {name}: {' '.join(self.process.args)}")
        wall, cpu = map(float, answer.split())
        return wall, cpu

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def warm_up(worker, name, repetitions):
    """Caches, allocators, and .NET's compiler, which takes some 10,000 calls of what is short, and seconds of what is long, to settle."""
    began = time.monotonic()
    for _ in range(4 if repetitions < 100 else max(4, 10000 // repetitions)):
        worker.run(name, repetitions)
    while time.monotonic() - began < 3:
        worker.run(name, repetitions)


def main():
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--daml", required=True, help="the benchmark program, DaML.Benchmarks.dll")
    arguments.add_argument("--rounds", type=int, default=7)
    arguments.add_argument("--baseline", metavar="FOLDER", help="another worktree whose bench is built: the trainings and the sweep are compared with its, too")
    arguments.add_argument("--json", help="write the ratios to this file")
    arguments.add_argument("workloads", nargs="*", help=f"of {', '.join(ALL)}; default: all")
    options = arguments.parse_args()
    if options.baseline and not os.path.exists(os.path.join(options.baseline, "bench/bin/Release/net10.0/DaML.Benchmarks.dll")):
        sys.exit(f"bench: --baseline: '{options.baseline}' has no built benchmarks; run 'dotnet build bench -c Release' there first")
    unknown = [name for name in options.workloads if name not in ALL]
    if unknown or options.rounds < 1:
        sys.exit(f"bench: unknown workload {unknown}; known: {', '.join(ALL)}" if unknown else "bench: --rounds must be at least 1")

    commands = {
        "python": [sys.executable, os.path.join(HERE, "python_worker.py")],
        "eager": ["dotnet", options.daml, "worker"],
        "baseline": ["dotnet", os.path.join(options.baseline or "", "bench/bin/Release/net10.0/DaML.Benchmarks.dll"), "worker"],
    }
    ours, others = Worker(["dotnet", options.daml, "worker"]), {}
    metrics = {}
    rows, own = [], {}
    print(f"{'workload':78} {'wall ratio':>18} {'CPU ratio':>11}")
    for pair in pairs(options.workloads or ALL, options.baseline):
        other = others.get(pair.other) or others.setdefault(pair.other, Worker(commands[pair.other]))
        for worker, name in ((ours, pair.name), (other, pair.theirs)):
            warm_up(worker, name, pair.repetitions)
        wall, cpu, own[pair.name] = [], [], []
        for turn in range(options.rounds):
            sides = ((ours, pair.name), (other, pair.theirs))
            times = {worker: worker.run(name, pair.repetitions) for worker, name in (sides if turn % 2 == 0 else sides[::-1])}
            own[pair.name].append(times[ours][0])
            wall.append(times[other][0] / times[ours][0])
            cpu.append(times[other][1] / times[ours][1])
        ratio, least, most, used = statistics.median(wall), min(wall), max(wall), statistics.median(cpu)
        print(f"{pair.text:78} {ratio:6.2f} ({least:.2f}-{most:.2f}) {used:11.2f}", flush=True)
        rows.append(f"| {pair.text.rsplit(', ', 1)[0]} | {pair.text.rsplit(', ', 1)[1]} | {ratio:.1f} ({least:.1f}-{most:.1f}) | {used:.1f} |")
        metrics[pair.metric] = ratio if pair.kind == "wall" else used
        if pair.other == "python":
            metrics[f"{pair.name}.wall_ratio"], metrics[f"{pair.name}.cpu_ratio"] = ratio, used

    notes = []
    if "training.40x5x5" in own:
        ours.run("rate.sgemm", 20)
        product = 2 * 1024 ** 3 / statistics.median(ours.run("rate.sgemm", 20)[0] for _ in range(options.rounds))
        rate = training_flops(40, 5, 64) / statistics.median(own["training.40x5x5"])
        metrics["training.gflops"], metrics["training.gflops_over_sgemm"] = rate / 1e9, rate / product
        notes.append(f"The whole training step of 40 filters, 5 x 5, ran at {rate / product:.0%} of the rate of a plain single-precision matrix product (1024 x 1024) in the same run, if the multiplications of direct convolutions are counted.")
    if not options.workloads:
        ours.run("sweep.etkf.20", 20)
        wall, cpu = ours.run("sweep.etkf.20", 1000)
        metrics["sweep.core_utilisation"] = cpu / wall / os.cpu_count()
        notes.append(f"A sweep of 1,000 runs of 1,000 cycles (ETKF, N = 20), side by side, kept the {os.cpu_count()} cores busy {cpu / wall / os.cpu_count():.0%} of the time.")
        one_by_one = others.get("python") or others.setdefault("python", Worker(commands["python"]))
        warm_up(one_by_one, "filter.etkf.20", 200)
        ratios = [1000 * one_by_one.run("filter.etkf.20", 200)[0] / ours.run("sweep.etkf.20", 20)[0] for _ in range(options.rounds)]
        metrics["sweep.vs_numpy"] = statistics.median(ratios)
        notes.append(f"The same sweep was {statistics.median(ratios):.1f} times as fast as NumPy's formulas, run by run.")
        gains = []
        for method, members, text in SWEEPS:
            alone, together = f"filter.{method}.{members}", f"sweep.{method}.{members}"
            ours.run(together, 3)
            warm_up(ours, alone, 200)
            ratios = [1000 * ours.run(alone, 200)[1] / ours.run(together, 5)[1] for _ in range(options.rounds)]
            metrics[f"sweep.vs_alone.{method}"] = statistics.median(ratios)
            gains.append(f"{text} {statistics.median(ratios):.1f}")
        notes.append(f"Processor time of a run alone over that of one of 1,000 side by side: {', '.join(gains)}.")
    if options.baseline and (not options.workloads or "sweep" in options.workloads):
        older = others.get("baseline") or others.setdefault("baseline", Worker(commands["baseline"]))
        ratios = []
        for worker in (ours, older):
            worker.run("sweep.etkf.20", 5)
        for _ in range(options.rounds):
            ratios.append(older.run("sweep.etkf.20", 20)[0] / ours.run("sweep.etkf.20", 20)[0])
        metrics["sweep.vs_baseline"] = statistics.median(ratios)
        notes.append(f"The same sweep was {statistics.median(ratios):.2f} times as fast as the older build's.")
    if not options.workloads:
        large = large_state(options.daml)
        metrics.update(large)
        notes.append(f"An analysis of the LETKF on 1e6 points (20 members, 29 observations a point, in place) took {large['letkf.1e6']:.2f} times the processor time of ten on 1e5, and {large['letkf.1e6.memory']:.2f} times the ensemble's memory, the ensemble included.")
    for note in notes:
        print(note)
    for worker in [ours, *others.values()]:
        worker.close()
    if options.json:
        with open(options.json + ".part", "w") as file:
            json.dump({"name": "bench-compare", "settings": {"rounds": options.rounds}, "metrics": metrics}, file, indent=2)
        os.replace(options.json + ".part", options.json)
    if not options.workloads:
        write_document(rows, notes, options.rounds)


def large_state(program):
    """What `bench large-state` measures, in a process of its own, whose memory it is."""
    with tempfile.TemporaryDirectory() as folder:
        file = os.path.join(folder, "large-state.json")
        subprocess.run(["dotnet", program, "large-state", "--json", file], check=True)
        with open(file) as text:
            return json.load(text)["metrics"]


def processor():
    with open("/proc/cpuinfo") as file:
        return next((line.split(":", 1)[1].strip() for line in file if line.startswith("model name")), "unknown processor")


def blas_kernel():
    """The kernel that NumPy's OpenBLAS has chosen for this processor, as it names it itself."""
    import numpy
    numpy.ones((2, 2)) @ numpy.ones((2, 2))
    with open("/proc/self/maps") as file:
        libraries = {line.split()[-1] for line in file if "openblas" in line}
    for library in libraries:
        for name in ("openblas_get_corename", "scipy_openblas_get_corename64_", "openblas_get_corename64_"):
            function = getattr(ctypes.CDLL(library), name, None)
            if function:
                function.restype = ctypes.c_char_p
                return f"OpenBLAS, kernel {function().decode()}"
    return "a BLAS that does not name its kernel"


def write_document(rows, notes, rounds):
    """Puts the table between its two marks in docs/performance.md."""
    import numpy
    import torch
    text = open(DOCUMENT).read()
    before, _, after = text.split(BEGIN)[0], None, text.split(END)[1]
    table = "\n".join([
        BEGIN, "",
        f"{datetime.date.today()}, {processor()}, {os.cpu_count()} cores; NumPy {numpy.__version__} on {blas_kernel()}, Python's torch {torch.__version__.split('+')[0]}, TorchSharp {VERSIONS['TorchSharp']} on libtorch {VERSIONS['libtorch-cpu-linux-x64']}; "
        f"{os.environ.get('OMP_NUM_THREADS', os.cpu_count())} threads on both sides, {rounds} rounds:", "",
        "| what | beside | wall | processor time |", "| --- | --- | --- | --- |", *rows, "", *[line for note in notes for line in (note, "")], END])
    with open(DOCUMENT + ".part", "w") as file:
        file.write(before + table + after)
    os.replace(DOCUMENT + ".part", DOCUMENT)


if __name__ == "__main__":
    main()
