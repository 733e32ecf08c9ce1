"""One pure function a finding, one file a family; `rules` has their order."""
