"""Reports of the whole network, joined from what each part says of itself.

regional_routes.py     GET /v1/reports/regional-totals      partnership_routes.py  .../partnership
reading.py             the questions to the parts, all at once, one deadline; all answers or none
sources.py             what the parts answer, checked as strictly as what clients send
arithmetic.py          the join by region, and by group (pure)
indicators.py          the partnership's indicators: formulas, sources, versions (pure)
schemas.py  csv_text.py    the shapes that leave
"""
