"""The indicators of the partnership report, in the order of its sections. Pure."""

from gateway.reports.indicators.effectiveness import EFFECTIVENESS
from gateway.reports.indicators.effects import EFFECTS
from gateway.reports.indicators.efficiency import EFFICIENCY

INDICATORS = (*EFFICIENCY, *EFFECTIVENESS, *EFFECTS)
