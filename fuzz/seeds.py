#!/usr/bin/env python3
"""Writes the seeds of a target whose inputs are made of parts: images, catalogues, changes to virtual disks."""
import io, json, pathlib, sys, tarfile

target = sys.argv[1]
folder = pathlib.Path(__file__).resolve().parent / "seeds" / target
folder.mkdir(parents=True, exist_ok=True)
count = 0


def seed(content):
    global count
    (folder / f"made-{count}").write_bytes(content)
    count += 1


def layer(*names):
    """Folders end with a slash, `a -> b` is a link, others are files."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for name in names:
            name, _, link = name.partition(" -> ")
            entry = tarfile.TarInfo(name.rstrip("/"))
            entry.type = tarfile.SYMTYPE if link else tarfile.DIRTYPE if name.endswith("/") else tarfile.REGTYPE
            entry.linkname, entry.mode = link, 0o755
            archive.addfile(entry)
    # What pads the archive to ten kilobytes would only slow the search down.
    return out.getvalue().rstrip(b"\0") + bytes(1536)


def parts(kind, *contents):
    return bytes([kind]) + b"".join(len(part).to_bytes(2, "big") + part for part in contents)


def images():
    described = lambda number, kind: f'{{"mediaType":"{kind}","digest":"@{number}","size":#{number}}}'
    manifest = "application/vnd.oci.image.manifest.v1+json"
    tar = "application/vnd.oci.image.layer.v1.tar"
    one, two = layer("a/", "a/x", "l -> a", "h"), layer("a/.wh.x", "l/y", "a/.wh..wh..opq", ".wh.h", "h/", "h/z")
    for kind in (1, 2):
        index = f'{{"manifests":[{described(1, manifest)}]}}'
        platforms = index.replace('"size":#1', '"size":#1,"platform":{"architecture":"amd64","os":"linux","variant":"v2"}')
        layers = f'{{"layers":[{described(2, tar)},{described(3, tar)}]}}'
        for top in (index, platforms):
            seed(parts(kind, top.encode(), layers.encode(), one, two))
        seed(parts(kind, layers.encode(), b"", one, two))
    saved = '[{"Config":"1","Layers":["2","3"]}]'
    seed(parts(3, saved.encode(), b'{"rootfs":{"diff_ids":["@2","@3"]}}', one, two))
    for text in (index, platforms, layers, saved, '{"rootfs":{"diff_ids":["x"]}}', "localhost:5000/a/b:c",
                 "debian:12", "r.example/a@sha256:" + "0" * 64):
        seed(b"\0" + text.encode())


def catalogues():
    offer = lambda **more: {"name": "lxc", "url": "a.box", **more}
    for constraints in ("", ">= 1.0, < 2", "~> 1.2.3", "= 1.0.0.beta-2", "!= 1", "1.0"):
        for version in ("1.2.3", "1.0.0.beta2", "0", "1.0-rc.1"):
            seed((constraints + "\n" + json.dumps({"name": "a/b", "versions": [
                {"version": version, "providers": [offer(), offer(name="virtualbox", architecture="amd64",
                 default_architecture=True, checksum="0", checksum_type="sha256")]},
                {"version": "2", "providers": [offer(name="container", architecture="arm64")]}]})).encode())


def virtual_disks():
    change = lambda place, content: place.to_bytes(3, "big") + bytes([len(content)]) + content
    secret = b"/dev/shm/yado-fuzz-virtual-disks/s"
    for which in range(6):
        seed(bytes([which]))
    for which in (0, 5):  # qcow2: a backing file's name, an external data file
        seed(bytes([which]) + change(8, (512).to_bytes(8, "big") + len(secret).to_bytes(4, "big")) + change(512, secret))
        seed(bytes([which]) + change(72, (4).to_bytes(8, "big")))
        seed(bytes([which]) + change(24, (1 << 50).to_bytes(8, "big")))
    descriptor = b'# Disk DescriptorFile\nversion=1\nCID=1\nparentCID=ffffffff\ncreateType="monolithicFlat"\nRW 128 FLAT "' + \
        secret + b'" 0\n'
    for which in (1, 2):  # vmdk: a descriptor that names another file, a parent, a capacity
        seed(bytes([which]) + change(512, descriptor) + change(0, descriptor[:4]))
        seed(bytes([which]) + change(512, descriptor))
        seed(bytes([which]) + change(512, descriptor.replace(b"ffffffff", b"1").replace(b"RW", b'parentFileNameHint="s"\nRW')))
        seed(bytes([which]) + change(12, (1 << 60).to_bytes(8, "little")))
    seed(b"\3" + change(0x170, (1 << 60).to_bytes(8, "little")))


{"images": images, "catalogues": catalogues, "virtual_disks": virtual_disks}[target]()
