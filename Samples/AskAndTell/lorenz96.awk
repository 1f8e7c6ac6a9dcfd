# Lorenz-96 in awk, as a program that knows nothing of DaML: reads a file of runs (# from to n, then id x1 ... xn a line),
# takes every state from the one time to the other by the classical Runge-Kutta method, and writes id x1 ... xn a line.
#
#   awk -v out=results.txt -v h=0.05 -v F=8 -v fail=0 -v die=0 -f lorenz96.awk runs.txt
#
# To show what a model does to those who drive it, every fail-th run fails and says so, and at every die-th run the whole
# program dies in the middle of a line, taking the runs behind it along (0 = never).

function tendency(y, k,    i) {
    for (i = 0; i < n; i++) k[i] = (y[(i + 1) % n] - y[(i + n - 2) % n]) * y[(i + n - 1) % n] - y[i] + F
}

function stage(k, weight, length_,    i) {
    for (i = 0; i < n; i++) { end[i] = end[i] + weight * k[i]; y[i] = x[i] + length_ * k[i] }
}

$1 == "#" { steps = int(($3 - $2) / h + 0.5); n = $4; next }

{
    id = $1
    for (i = 0; i < n; i++) x[i] = $(i + 2) + 0
    if (fail && id % fail == fail - 1) { print id, "failed no convergence" > out; next }
    for (s = 0; s < steps; s++) {
        for (i = 0; i < n; i++) { end[i] = x[i]; y[i] = x[i] }
        tendency(y, k); stage(k, h / 6, h / 2)
        tendency(y, k); stage(k, h / 3, h / 2)
        tendency(y, k); stage(k, h / 3, h)
        tendency(y, k); stage(k, h / 6, 0)
        for (i = 0; i < n; i++) x[i] = end[i]
    }
    printf "%d", id > out
    for (i = 0; i < n; i++) {
        if (die && id % die == die - 1 && i == 5) exit 3
        printf " %.17g", x[i] > out
    }
    printf "\n" > out
}
