"""An independent hash of a tree, from the definition in the package comment."""
import hashlib, os, stat, sys


def digest(algorithm, data):
    if algorithm == "blake3":
        import blake3
        return blake3.blake3(data).digest()
    return hashlib.new(algorithm, data).digest()


def record(algorithm, path, name, root=False):
    st = os.stat(path) if root else os.lstat(path)
    mode = st.st_mode & 0o7777
    if stat.S_ISLNK(st.st_mode):
        kind, mode, payload = b"l", 0, digest(algorithm, os.readlink(path))
    elif stat.S_ISREG(st.st_mode):
        with open(path, "rb") as f:
            kind, payload = b"f", digest(algorithm, f.read())
    else:
        names = sorted(os.listdir(path))
        parts = [record(algorithm, os.path.join(path, n), n) for n in names]
        frame = b"gostitch.hashtree.v1.dir\n" + len(parts).to_bytes(8, "big")
        kind, payload = b"d", digest(algorithm, frame + b"".join(parts))
        mode = 0 if root else mode
    return kind + mode.to_bytes(4, "big") + len(name).to_bytes(8, "big") + name + payload


def hash_tree(algorithm, root):
    top = record(algorithm, os.fsencode(root), b"", root=True)
    return digest(algorithm, b"gostitch.hashtree.v1.root\n" + top).hex()


if __name__ == "__main__":
    print(hash_tree(sys.argv[1], sys.argv[2]))
