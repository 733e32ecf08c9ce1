"""Makes `digits.bin.gz`, the images that `digits.py` learns from. Needs scikit-learn; `digits.py` does not.

    python workloads/training/make_digits_data.py

The data is scikit-learn's copy of "Optical Recognition of Handwritten Digits" (E. Alpaydin and C. Kaynak, UCI Machine
Learning Repository, 1998, CC BY 4.0): 1797 images of 8 x 8 pixels. In the file each image is 65 bytes: 64 pixels from
0 (white) to 16 (black), row by row, then the digit from 0 to 9. The same data gives the same bytes.
"""

from __future__ import annotations

import gzip
from pathlib import Path

from sklearn.datasets import load_digits

DATA_FILE = Path(__file__).with_name("digits.bin.gz")


def main() -> None:
    """Writes the file and says how large it is."""
    pixels, digits = load_digits(return_X_y=True)
    records = b"".join(bytes([*map(int, image), int(digit)]) for image, digit in zip(pixels, digits, strict=True))
    # gzip stores the time of writing unless told otherwise.
    packed = gzip.compress(records, compresslevel=9, mtime=0)
    DATA_FILE.write_bytes(packed)
    print(f"{DATA_FILE.name}: {len(digits)} images, {len(packed)} bytes")


if __name__ == "__main__":
    main()
