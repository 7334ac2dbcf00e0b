r"""The administrative regions of Québec as tiles of a map.

Where each tile stands (by class `region-CODE`) is written in static/site.css, twice: seven columns
for a screen, five for a telephone. Names come from the register; these are the short ones that
fit a tile (\u00ad: where a word may be cut), and the full ones of regions without a member.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Region:
    """An administrative region by its official two-character code."""

    code: str
    name: str
    short_name: str


REGIONS = (
    Region("01", "Bas-Saint-Laurent", "Bas-St-Laurent"),
    Region("02", "Saguenay–Lac-Saint-Jean", "Sague\u00adnay–Lac-St-Jean"),
    Region("03", "Capitale-Nationale", "Capi\u00adtale-Nat."),
    Region("04", "Mauricie", "Mauricie"),
    Region("05", "Estrie", "Estrie"),
    Region("06", "Montréal", "Montréal"),
    Region("07", "Outaouais", "Outa\u00adouais"),
    Region("08", "Abitibi-Témiscamingue", "Abitibi-Témis."),
    Region("09", "Côte-Nord", "Côte-Nord"),
    Region("10", "Nord-du-Québec", "Nord-du-Québec"),
    Region("11", "Gaspésie–Îles-de-la-Madeleine", "Gas\u00adpésie–Îles"),
    Region("12", "Chaudière-Appalaches", "Chau\u00addière-App."),
    Region("13", "Laval", "Laval"),
    Region("14", "Lanaudière", "Lanau\u00addière"),
    Region("15", "Laurentides", "Lauren\u00adtides"),
    Region("16", "Montérégie", "Monté\u00adrégie"),
    Region("17", "Centre-du-Québec", "Centre-du-Qc"),
)
