#!/usr/bin/env bash
# Package:  libhdf5-103-1 1.10.8+repack1-1 (Debian 12), beside the libraries it needs (libaec0, libsz2)
# Did:      Opened a file, started another program, closed the file; then asked for a lock on the file, as programs do
#           that read it next.
# Expected: The lock: nobody has the file open.
# Observed: Refused as long as the other program runs. HDF5 opens files without close-on-exec, so the program, which has
#           nothing to do with the file, keeps it open and keeps the lock on it. With HDF5_USE_FILE_LOCKING=FALSE in the
#           environment there is no lock.
# Printed:
#     locks on:  refused while the other program runs, given after it
#     locks off: given while the other program runs
# Exit:     0 as observed; 1 changed; 77 not tried (not Debian 12, no Python).
set -euo pipefail
command -v python3 >/dev/null && command -v apt-get >/dev/null || exit 77
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
apt-get -qq download libhdf5-103-1=1.10.8+repack1-1 libaec0=1.0.6-1+b1 libsz2=1.0.6-1+b1 >/dev/null 2>&1 || exit 77
for package in ./*.deb; do dpkg -x "$package" .; done
cat > finding.py <<'PY'
import ctypes, fcntl, glob, os, sys, time
hdf5 = ctypes.CDLL(glob.glob("usr/lib/*/libhdf5_serial.so.103")[0])
hdf5.H5Fcreate.restype = hdf5.H5Fopen.restype = ctypes.c_int64
hdf5.H5Fclose.argtypes = [ctypes.c_int64]
hdf5.H5Fcreate.argtypes = [ctypes.c_char_p, ctypes.c_uint, ctypes.c_int64, ctypes.c_int64]
hdf5.H5Fopen.argtypes = [ctypes.c_char_p, ctypes.c_uint, ctypes.c_int64]
hdf5.H5open()
hdf5.H5Fclose(hdf5.H5Fcreate(b"file.h5", 2, 0, 0))

def lock():
    with open("file.h5", "r+b") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return "given"
        except BlockingIOError:
            return "refused"

opened = hdf5.H5Fopen(b"file.h5", 0, 0)
child = os.posix_spawn("/bin/sleep", ["sleep", "30"], os.environ)
time.sleep(0.2)
hdf5.H5Fclose(opened)
meanwhile = lock()
os.kill(child, 9)
os.waitpid(child, 0)
print(meanwhile, lock())
PY
export LD_LIBRARY_PATH
LD_LIBRARY_PATH=$(echo "$folder"/usr/lib/*)
locked=$(env -u HDF5_USE_FILE_LOCKING python3 finding.py)
free=$(HDF5_USE_FILE_LOCKING=FALSE python3 finding.py)
echo "locks on:  ${locked% *} while the other program runs, ${locked#* } after it"
echo "locks off: ${free% *} while the other program runs"
[ "$locked" = "refused given" ] && [ "$free" = "given given" ]
