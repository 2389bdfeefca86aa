"""What every router of ``/api/v1`` shares: problem documents, idempotency keys, entity tags and cursors.

Make one :class:`~alerting.web.api.Api` where the application is put together and hand it to the routers::

    def router(api: Api, service: RosterService) -> APIRouter:
        routes = api.router("/shifts", tag="shifts")

        @routes.get("", summary="List shifts")
        async def listed(asking: Annotated[Any, Depends(api.actor)], cursor: Cursor = None) -> Page[Shift]: ...

Every path under it then answers errors as problem documents (RFC 9457), declares 401, 403, 404 and 422 (name
further ones with ``responses=answers(409)``), and takes ``Idempotency-Key`` on its POSTs. A refusal is raised as a
:class:`~alerting.errors.RefusedError` with a slug and a status of its own, by whichever layer finds it.
"""
