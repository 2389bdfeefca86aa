"""One module a kind of document: each takes a :class:`~dashboards.reports.brief.Brief` and answers form and blocks."""
