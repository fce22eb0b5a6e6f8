"""The tar that Pack promises, written with Python's own tarfile: root, out."""
import decimal, os, sys, tarfile


def add(tar, root, name):
    path = os.path.join(root, name)
    info = tar.gettarinfo(path, arcname=name)
    info.uid = info.gid = 0
    info.uname = info.gname = ""
    nanoseconds = os.lstat(path).st_mtime_ns
    info.mtime, fraction = divmod(nanoseconds, 10**9)
    if fraction:
        info.pax_headers["mtime"] = f"{decimal.Decimal(nanoseconds) / 10**9:f}"
    if info.isreg():
        with open(path, "rb") as f:
            tar.addfile(info, f)
    else:
        tar.addfile(info)
    if info.isdir():
        for child in sorted(os.listdir(path), key=os.fsencode):
            add(tar, root, f"{name}/{child}")


def pack(root, out):
    with tarfile.open(out, "w", format=tarfile.PAX_FORMAT) as tar:
        for child in sorted(os.listdir(root), key=os.fsencode):
            add(tar, root, child)


if __name__ == "__main__":
    pack(sys.argv[1], sys.argv[2])
