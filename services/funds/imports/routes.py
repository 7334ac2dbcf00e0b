"""`/v1/imports?kind=contributions`: the common flow, with this service's kind of facts."""

from services.common.import_routes import create_imports_router
from services.funds.imports.kinds import CONTRIBUTIONS
from services.funds.imports.queries import read_totals

router = create_imports_router([CONTRIBUTIONS], "funds", read_totals)
