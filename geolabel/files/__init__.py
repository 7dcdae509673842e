"""Whole-or-nothing writes, one process at a time; JSON, fingerprints and run manifests."""

from geolabel.files.drafts import draft_room, scratch, take_away
from geolabel.files.locks import claim, claims
from geolabel.files.outputs import (
    RECORD,
    Work,
    check_new,
    claim_to_change,
    new_directory,
    new_file,
    resumed_directory,
    work_directory,
    writing,
)
from geolabel.files.reading import check_readable, exists, fingerprint, is_file, relative_to
from geolabel.files.records import read_json, to_json, versions, write_json

__all__ = [
    "RECORD",
    "Work",
    "check_new",
    "check_readable",
    "claim",
    "claim_to_change",
    "claims",
    "draft_room",
    "exists",
    "fingerprint",
    "is_file",
    "new_directory",
    "new_file",
    "read_json",
    "relative_to",
    "resumed_directory",
    "scratch",
    "take_away",
    "to_json",
    "versions",
    "work_directory",
    "write_json",
    "writing",
]
