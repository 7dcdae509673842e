"""Changes as alerts: ids that stay, what became of them, whose land they lie on."""

from geolabel.alerts.again import seen_again
from geolabel.alerts.annotate import admin, protected
from geolabel.alerts.changes import Changes, make
from geolabel.alerts.ledger import update
from geolabel.alerts.schema import COLUMNS, FILE, LAYER, OPTIONAL, WITHDRAWN, read, stands
from geolabel.alerts.summary import SummaryRow, summary, write_summary_csv, write_summary_json
from geolabel.alerts.zones import Zones, name_field_of, read_zones

__all__ = [
    "COLUMNS",
    "FILE",
    "LAYER",
    "OPTIONAL",
    "WITHDRAWN",
    "Changes",
    "SummaryRow",
    "Zones",
    "admin",
    "make",
    "name_field_of",
    "protected",
    "read",
    "read_zones",
    "seen_again",
    "stands",
    "summary",
    "update",
    "write_summary_csv",
    "write_summary_json",
]
