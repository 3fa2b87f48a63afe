"""What a general OCR reads in crops, for `doorplate bench removal`, which runs this.

Takes a folder whose crops.json lists pictures. Each is read as it is and with its contrast stretched,
in its own size and twice as large; a JSON object on standard output has the digits of each reading.
"""

import json
import pathlib
import sys

import cv2
import numpy
from rapidocr_onnxruntime import RapidOCR

# Readings that the OCR itself is less sure of are noise.
LEAST_CONFIDENCE = 0.5


def stretched(picture):
    grey = cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY).astype(float)
    low, high = numpy.percentile(grey, [1, 99])
    grey = numpy.clip((grey - low) * 255 / max(high - low, 1), 0, 255).astype(numpy.uint8)
    return cv2.cvtColor(grey, cv2.COLOR_GRAY2BGR)


def digits_in(ocr, picture):
    found = set()
    for variant in (picture, stretched(picture)):
        for scale in (1, 2):
            seen = variant
            if scale > 1:
                seen = cv2.resize(variant, None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC)
            lines, _ = ocr(seen)
            for _, text, confidence in lines or []:
                digits = "".join(letter for letter in text if letter in "0123456789")
                if digits and float(confidence) >= LEAST_CONFIDENCE:
                    found.add(digits)
    return sorted(found)


def main(folder):
    ocr = RapidOCR()
    names = json.loads((folder / "crops.json").read_text())
    readings = [digits_in(ocr, cv2.imread(str(folder / name))) for name in names]
    print(json.dumps({"readings": readings}))


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]))
