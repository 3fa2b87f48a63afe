"""Peers of benches/reading.rs, which runs this: h5py and SciPy. Prints the seconds taken."""

import sys
import time

FIELDS = ("height", "label", "left", "top", "width")


def read_entry(file, names, boxes, i):
    name = file[names[i, 0]][()].tobytes().decode("utf-16le")
    group = file[boxes[i, 0]]
    lists = []
    for field in FIELDS:
        values = group[field][()]
        if len(values) == 1:
            lists.append([values[0, 0]])
        else:
            lists.append([file[value][0, 0] for value in values[:, 0]])
    return name, lists


def read_list(path, count):
    import h5py

    start = time.perf_counter()
    with h5py.File(path) as file:
        names = file["digitStruct/name"][()]
        boxes = file["digitStruct/bbox"][()]
        photos = [read_entry(file, names, boxes, i) for i in range(min(count, len(names)))]
    seconds = time.perf_counter() - start
    assert photos
    return seconds


def write_list(source, target):
    """Writes a list again with the C library, in the old form that MATLAB writes."""
    import h5py
    import numpy

    start = time.perf_counter()
    with (
        h5py.File(source) as file,
        h5py.File(target, "w", libver="earliest", userblock_size=512) as copy,
    ):
        refs = copy.create_group("#refs#")
        number = 0

        def add(group, name, values, kind):
            nonlocal number
            if name is None:
                number += 1
                name = f"r{number:x}"
            dataset = group.create_dataset(name, data=values)
            if kind:
                dataset.attrs["MATLAB_class"] = numpy.bytes_(kind)
            return dataset.ref

        def column(references):
            return numpy.array(references, dtype=h5py.ref_dtype).reshape(-1, 1)

        names = file["digitStruct/name"][()]
        boxes = file["digitStruct/bbox"][()]
        new_names, new_boxes = [], []
        for i in range(len(names)):
            name, lists = read_entry(file, names, boxes, i)
            units = numpy.frombuffer(name.encode("utf-16le"), "<u2").reshape(-1, 1)
            new_names.append(add(refs, None, units, "char"))
            number += 1
            group = refs.create_group(f"r{number:x}")
            new_boxes.append(group.ref)
            for field, values in zip(FIELDS, lists):
                if len(values) == 1:
                    add(group, field, numpy.array([values]), "double")
                else:
                    each = [add(refs, None, numpy.array([[v]]), "double") for v in values]
                    add(group, field, column(each), None)
        photos = copy.create_group("digitStruct")
        add(photos, "bbox", column(new_boxes), None)
        add(photos, "name", column(new_names), None)
    return time.perf_counter() - start


def read_crops(path):
    import numpy
    import scipy.io

    start = time.perf_counter()
    content = scipy.io.loadmat(path)
    # As our reader lays them out.
    crops = numpy.ascontiguousarray(content["X"].transpose(3, 0, 1, 2))
    digits = content["y"][:, 0] % 10
    seconds = time.perf_counter() - start
    assert len(crops) == len(digits)
    return seconds


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["read-list", path, count]:
            print(read_list(path, int(count)))
        case ["write-list", source, target]:
            print(write_list(source, target))
        case ["read-crops", path]:
            print(read_crops(path))
