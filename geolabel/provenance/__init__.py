"""What made an output: told inside each file by its format's own means, and in the run.json of each folder."""

from geolabel.provenance.contents import content_digest, sealed
from geolabel.provenance.finish import finish, tell
from geolabel.provenance.landing import landed, landing
from geolabel.provenance.made import KEY, MADE, NAME, Input, Made, entry, inputs_of, making, now, said, text
from geolabel.provenance.read import read_made

__all__ = [
    "KEY",
    "MADE",
    "NAME",
    "Input",
    "Made",
    "content_digest",
    "entry",
    "finish",
    "inputs_of",
    "landed",
    "landing",
    "making",
    "now",
    "read_made",
    "said",
    "sealed",
    "tell",
    "text",
]
