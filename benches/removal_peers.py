"""Peers of `doorplate bench removal`, which runs this: OpenCV's inpainting.

Takes a folder and a radius in pixels. The folder's examples.json lists photos, their boxes and,
where they are known, masks of strokes. For each way to inpaint, the photos are written to a folder
of its own, under their numbers, with the masks beside them; a JSON object on standard output says
which ways there are, and the milliseconds a photo.
"""

import json
import pathlib
import sys
import time

import cv2
import numpy

ALGORITHMS = {"Telea": cv2.INPAINT_TELEA, "Navier-Stokes": cv2.INPAINT_NS}

# How many pixels a mask is grown by, where it does not fill its boxes anyhow.
DILATIONS = {"boxes": [0], "Otsu": [0, 1, 2], "true strokes": [0, 1, 2]}


def boxes_mask(photo, boxes):
    mask = numpy.zeros(photo.shape[:2], numpy.uint8)
    for left, top, width, height in boxes:
        mask[top : top + height, left : left + width] = 255
    return mask


def otsu_mask(photo, boxes):
    """In each box the side of Otsu's threshold that is rarer along the box's edge."""
    grey = cv2.cvtColor(photo, cv2.COLOR_BGR2GRAY)
    mask = numpy.zeros(photo.shape[:2], numpy.uint8)
    for left, top, width, height in boxes:
        part = (slice(top, top + height), slice(left, left + width))
        _, light = cv2.threshold(grey[part], 0, 255, cv2.THRESH_BINARY + cv2.THRESH_OTSU)
        edge = numpy.concatenate([light[0], light[-1], light[:, 0], light[:, -1]])
        strokes = 255 - light if edge.mean() > 127 else light
        mask[part] = cv2.bitwise_or(mask[part], strokes)
    return mask


def masks_of(folder, example, photo):
    """Every mask by its name and by how much it is grown."""
    inside = boxes_mask(photo, example["boxes"])
    plain = {"boxes": inside, "Otsu": otsu_mask(photo, example["boxes"])}
    if example["strokes"] is not None:
        strokes = cv2.imread(str(folder / example["strokes"]), cv2.IMREAD_GRAYSCALE)
        plain["true strokes"] = cv2.bitwise_and(strokes, inside)
    kernel = numpy.ones((3, 3), numpy.uint8)
    for name, mask in plain.items():
        for dilation in DILATIONS[name]:
            grown = cv2.dilate(mask, kernel, iterations=dilation) if dilation else mask
            yield name, dilation, cv2.bitwise_and(grown, inside)


def main(folder, radius):
    ways = {}
    for number, example in enumerate(json.loads((folder / "examples.json").read_text())):
        photo = cv2.imread(str(folder / example["photo"]))
        for name, dilation, mask in masks_of(folder, example, photo):
            for algorithm, flag in ALGORITHMS.items():
                start = time.perf_counter()
                repaired = cv2.inpaint(photo, mask, radius, flag)
                milliseconds = (time.perf_counter() - start) * 1e3
                way = ways.setdefault((algorithm, name, dilation), [])
                way.append(milliseconds)
                results = folder / f"{algorithm}-{name}-{dilation}"
                results.mkdir(exist_ok=True)
                cv2.imwrite(str(results / f"{number}.png"), repaired)
                cv2.imwrite(str(results / f"{number}-mask.png"), mask)
    listed = [
        {
            "algorithm": algorithm,
            "mask": name,
            "dilation": dilation,
            "folder": f"{algorithm}-{name}-{dilation}",
            "milliseconds": milliseconds,
        }
        for (algorithm, name, dilation), milliseconds in ways.items()
    ]
    print(json.dumps({"version": cv2.__version__, "ways": listed}))


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]), int(sys.argv[2]))
