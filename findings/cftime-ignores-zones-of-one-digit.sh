#!/usr/bin/env bash
# Package:  cftime 1.6.2 (Python; under netCDF4-python and xarray)
# Did:      Read zero hours since a date with a time zone, written with one digit for the hour and with two.
# Expected: The same date for both. The CF conventions (section 4.4, Time Coordinate) give "seconds since 1992-10-8 15:15:42.5 -6:00"
#           as their example, which is 21:15:42.5 UTC, and UDUNITS reads it so.
# Observed: A zone whose hour has one digit is ignored without a word; with two digits it counts.
# Printed:
#     1992-10-08 15:15:42.500000  seconds since 1992-10-8 15:15:42.5 -6:00
#     1992-10-08 21:15:42.500000  seconds since 1992-10-8 15:15:42.5 -06:00
#     2000-01-01 00:00:00         hours since 2000-01-01 00:00 +9:30
#     1999-12-31 14:30:00         hours since 2000-01-01 00:00 +09:30
# Exit:     0 as observed; 1 changed; 77 not tried (no Python with NumPy, package not to be had).
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python=${PYTHON:-/usr/bin/python3}
"$python" -c 'import numpy' 2>/dev/null || { echo "not tried: $python has no NumPy."; exit 77; }
# From the package index, or else Debian's build of the same version.
if "$python" -m pip install -q --no-deps --target "$folder/package" cftime==1.6.2 >log 2>&1; then
    path=$folder/package
elif apt-get download python3-cftime >log 2>&1 && dpkg -x python3-cftime_1.6.2*.deb "$folder/package" 2>>log; then
    path=$folder/package/usr/lib/python3/dist-packages
else
    tail -2 log
    echo "not tried: cftime 1.6.2 is not to be had."
    exit 77
fi
code=0
PYTHONPATH=$path "$python" - <<'END' || code=$?
import sys
import cftime
if cftime.__version__ != "1.6.2":
    print("not tried: this is cftime", cftime.__version__)
    sys.exit(77)
cases = [
    ("seconds since 1992-10-8 15:15:42.5 -6:00", "1992-10-08 15:15:42.500000"),
    ("seconds since 1992-10-8 15:15:42.5 -06:00", "1992-10-08 21:15:42.500000"),
    ("hours since 2000-01-01 00:00 +9:30", "2000-01-01 00:00:00"),
    ("hours since 2000-01-01 00:00 +09:30", "1999-12-31 14:30:00"),
]
seen = [str(cftime.num2date(0, units)) for units, _ in cases]
for (units, _), date in zip(cases, seen):
    print(f"{date:27} {units}")
sys.exit(0 if seen == [date for _, date in cases] else 1)
END
case $code in
  0) echo "as observed" ;;
  77) ;;
  *) echo "changed: no longer as this file's head says" >&2 ;;
esac
exit $code
