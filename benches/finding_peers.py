"""Finding house numbers, beside a general OCR on the same photos; `make bench-finding` runs this.

Takes the program, a Format 1 folder, and a folder of street photos with a YOLO file each, whose boxes go
round whole numbers. Prints how many numbers each finds, what else it finds, its time, and the ratios.
"""

import json
import pathlib
import subprocess
import sys
import time

import cv2
import h5py
from rapidocr_onnxruntime import RapidOCR

PHOTOS = 500

# The OCR was made for larger pictures than SVHN's: without this it reads next to nothing there.
LEAST_SIDE = 320

# A number is found if its box and what is found share this part of their union; what shares less than
# the second part of itself with every number is a false alarm.
FOUND, FALSE = 0.5, 0.3


def found_by_program(program, folder):
    """The numbers of each photo: digits and box."""
    lines = subprocess.run(
        [program, "find", folder, "--json"], capture_output=True, text=True, check=True
    ).stdout.splitlines()
    photos = {}
    for line in map(json.loads, lines):
        boxes = [digit["box"] for digit in line["digits"]]
        photos[pathlib.Path(line["photo"]).name] = [
            (number["number"], hull([corners(boxes[i]) for i in number["readings"]]))
            for number in line["numbers"]
        ]
    return photos


def found_by_ocr(ocr, path):
    picture = cv2.imread(str(path))
    times = max(1, LEAST_SIDE // max(picture.shape[:2]))
    if times > 1:
        picture = cv2.resize(picture, None, fx=times, fy=times, interpolation=cv2.INTER_CUBIC)
    lines, _ = ocr(picture)
    numbers = []
    for points, text, _ in lines or []:
        digits = "".join(letter for letter in text if letter in "0123456789")
        if digits:
            across, down = zip(*points)
            box = (min(across), min(down), max(across), max(down))
            numbers.append((digits, tuple(edge / times for edge in box)))
    return sorted(numbers, key=lambda number: number[1][0])


def corners(box):
    left, top = box["left"], box["top"]
    return (left, top, left + box["width"], top + box["height"])


def hull(boxes):
    lefts, tops, rights, bottoms = zip(*boxes)
    return (min(lefts), min(tops), max(rights), max(bottoms))


def area(box):
    return max(0, box[2] - box[0]) * max(0, box[3] - box[1])


def shared(a, b):
    return area((max(a[0], b[0]), max(a[1], b[1]), min(a[2], b[2]), min(a[3], b[3])))


def true_numbers(folder):
    """What each photo of a Format 1 folder reads, from left to right."""
    numbers = {}
    with h5py.File(folder / "digitStruct.mat") as file:
        entries = file["digitStruct"]
        for i in range(min(PHOTOS, entries["name"].shape[0])):
            name = "".join(chr(letter[0]) for letter in file[entries["name"][i, 0]])
            boxes = file[entries["bbox"][i, 0]]

            def values(field):
                data = boxes[field]
                if data.shape[0] == 1:
                    return [float(data[0, 0])]
                return [float(file[data[j, 0]][0, 0]) for j in range(data.shape[0])]

            digits = sorted(zip(values("left"), values("label")))
            numbers[name] = "".join(str(int(label) % 10) for _, label in digits)
    return numbers


def true_boxes(path):
    height, width = cv2.imread(str(path)).shape[:2]
    boxes = []
    for line in path.with_suffix(".txt").read_text().splitlines():
        x, y, across, down = map(float, line.split()[1:5])
        left, top = (x - across / 2) * width, (y - down / 2) * height
        boxes.append((left, top, left + across * width, top + down * height))
    return boxes


def timed(work):
    start = time.perf_counter()
    result = work()
    return result, time.perf_counter() - start


def close_photos(program, ocr, folder):
    truth = true_numbers(folder)
    of_program, program_time = timed(lambda: found_by_program(program, folder))
    of_ocr, ocr_time = timed(lambda: {name: found_by_ocr(ocr, folder / name) for name in truth})
    print(f"{len(truth)} close photos: whole numbers right, and seconds a photo")
    for who, found, seconds, photos in [
        ("doorplate", of_program, program_time, len(of_program)),
        ("RapidOCR", of_ocr, ocr_time, len(of_ocr)),
    ]:
        right = sum("".join(digits for digits, _ in found[name]) == truth[name] for name in truth)
        print(f"  {who:10} {right / len(truth):6.1%} {seconds / photos:8.3f}")
    print(f"  time ratio {ocr_time / len(of_ocr) / (program_time / len(of_program)):.1f}")


def street_photos(program, ocr, folder):
    paths = sorted(path for path in folder.glob("*.jpg") if path.with_suffix(".txt").is_file())
    truth = {path.name: true_boxes(path) for path in paths}
    of_program, program_time = timed(lambda: found_by_program(program, folder))
    of_ocr, ocr_time = timed(lambda: {path.name: found_by_ocr(ocr, path) for path in paths})
    numbers = sum(map(len, truth.values()))
    print(f"{len(paths)} street photos with {numbers} numbers: found, false alarms, seconds a photo")
    for who, found, seconds in [
        ("doorplate", of_program, program_time),
        ("RapidOCR", of_ocr, ocr_time),
    ]:
        right = wrong = 0
        for name, boxes in truth.items():
            areas = [box for _, box in found[name]]
            for box in boxes:
                both = [(shared(box, other), other) for other in areas]
                right += any(s >= FOUND * (area(box) + area(other) - s) for s, other in both)
            wrong += sum(
                all(shared(box, other) <= FALSE * area(other) for box in boxes) for other in areas
            )
        print(f"  {who:10} {right:5} {wrong:5} {seconds / len(paths):8.3f}")
    print(f"  time ratio {ocr_time / program_time:.1f}")


def main(program, svhn, scenes):
    ocr = RapidOCR()
    close_photos(program, ocr, pathlib.Path(svhn))
    street_photos(program, ocr, pathlib.Path(scenes))


if __name__ == "__main__":
    main(*sys.argv[1:])
