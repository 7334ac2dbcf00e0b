"""The pages for people at the door: the home page and the documentation of the interface.

routes.py     HTTP: which page, in which language, with which headers
home.py       regional totals -> what the home page shows of them (pure)
totals.py     the seam: the report the home page is given, and how its absence is said
regions.py    the 17 administrative regions as tiles
messages.py   every sentence, in French and English
assets.py     style sheets, scripts and Swagger UI, served from here and from nowhere else
"""
