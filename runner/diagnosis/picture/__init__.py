"""The picture of a stop: numbers only. What is drawn with them is in `diagnosis/templates/picture.svg.j2`. Pure."""
