"""`./daml bench compare`: DaML beside NumPy and Python's torch, the same computation in one run.

Both sides stay alive as workers and take turns, so what the machine does meanwhile hits both; what is printed are
medians of paired ratios (Python's time over DaML's, above 1: DaML is faster).
"""
import argparse
import json
import os
import statistics
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
# workload: (repetitions a turn, what is compared)
WORKLOADS = {
    "model.l96": (4000, "Lorenz-96 RK4 step, 40 members, NumPy"),
    "filter.etkf.20": (1000, "ETKF cycle n = 40, N = 20, NumPy"),
    "filter.etkf.40": (600, "ETKF cycle n = 40, N = 40, NumPy"),
    "filter.enkf-n.40": (600, "EnKF-N cycle n = 40, N = 40, NumPy"),
    "filter.ienkf.40": (200, "IEnKF cycle n = 40, N = 40, NumPy"),
    "filter.letkf.7": (600, "LETKF cycle n = 40, N = 7, NumPy"),
    "filter.var3d": (2000, "3D-Var cycle n = 40, NumPy"),
    "training.16x2x2": (5, "training step 16 filters, 2 x 2, batch 32, 16 cycles, torch"),
    "training.20x3x3": (2, "training step 20 filters, 3 x 3, batch 128, 16 cycles, torch"),
    "training.40x5x5": (1, "training step 40 filters, 5 x 5, batch 64, 16 cycles, torch"),
}


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


def main():
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--daml", required=True, help="the benchmark program, DaML.Benchmarks.dll")
    arguments.add_argument("--rounds", type=int, default=7)
    arguments.add_argument("--json", help="write the ratios to this file")
    arguments.add_argument("workloads", nargs="*", help=f"of {', '.join(WORKLOADS)}; default: all")
    options = arguments.parse_args()
    unknown = [name for name in options.workloads if name not in WORKLOADS]
    if unknown or options.rounds < 1:
        sys.exit(f"bench: unknown workload {unknown}; known: {', '.join(WORKLOADS)}" if unknown else "bench: --rounds must be at least 1")

    ours = Worker(["dotnet", options.daml, "worker"])
    theirs = Worker([sys.executable, os.path.join(HERE, "python_worker.py")])
    metrics = {}
    print(f"{'workload':58} {'wall ratio':>18} {'CPU ratio':>11}")
    for name in options.workloads or WORKLOADS:
        repetitions, text = WORKLOADS[name]
        for worker in (ours, theirs):  # warm-up: caches, allocators, and .NET's compiler, which takes some 10,000 calls of what is short to settle
            for _ in range(4 if repetitions < 100 else max(4, 10000 // repetitions)):
                worker.run(name, repetitions)
        wall, cpu = [], []
        for turn in range(options.rounds):
            pair = (ours, theirs) if turn % 2 == 0 else (theirs, ours)
            times = {worker: worker.run(name, repetitions) for worker in pair}
            wall.append(times[theirs][0] / times[ours][0])
            cpu.append(times[theirs][1] / times[ours][1])
        print(f"{text:58} {statistics.median(wall):6.2f} ({min(wall):.2f}-{max(wall):.2f}) {statistics.median(cpu):11.2f}")
        metrics[f"{name}.wall_ratio"] = statistics.median(wall)
        metrics[f"{name}.cpu_ratio"] = statistics.median(cpu)
    ours.close()
    theirs.close()
    if options.json:
        with open(options.json + ".part", "w") as file:
            json.dump({"name": "bench-compare", "settings": {"rounds": options.rounds}, "metrics": metrics}, file, indent=2)
        os.replace(options.json + ".part", options.json)


if __name__ == "__main__":
    main()
