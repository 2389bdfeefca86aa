"""Errors as problem documents (RFC 9457): one shape for every refusal of ``/api/v1``, declared and sent."""

import json
from collections.abc import Callable, Coroutine, Mapping, Sequence
from http import HTTPStatus
from typing import Any

from fastapi import HTTPException, Request, Response
from fastapi.exception_handlers import request_validation_exception_handler
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from fastapi.routing import APIRoute
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException as AnyHTTPException
from typing_extensions import override

from alerting.errors import RefusedError
from alerting.web.errors import KeyInUseError
from alerting.web.idempotency import Replayed, claim_of

__all__ = [
    "MEDIA_TYPE",
    "InvalidPart",
    "Problem",
    "ProblemRoute",
    "answers",
    "described",
    "invalid_request",
    "of_status",
    "problem",
    "refusal",
]

MEDIA_TYPE = "application/problem+json"
_OURS = ("/api/", "/tmf-api/")
"""Paths on which every refusal is a problem document."""
_TMF = "/tmf-api/"
_OF_THE_BODY = {"content-length", "content-type"}


class InvalidPart(BaseModel):
    """One part of a request that is not as described."""

    at: list[str | int] = Field(description="Where: body, query, path or header, then the way to the field.")
    reason: str = Field(description="What is wrong there.")


class Problem(BaseModel):
    """Why a request was refused (RFC 9457). ``type`` is stable; ``detail`` is for people."""

    type: str = Field(examples=["urn:thongsuot:unknown-incident"])
    title: str
    status: int
    detail: str
    faults: list[InvalidPart] | None = Field(default=None, description="With 422: what is not as described.")
    allowed: list[str] | None = Field(default=None, description="With 409: the events that can happen now.")
    code: str | None = Field(default=None, description="Below /tmf-api/, as TMF630's Error: the stable name.")
    reason: str | None = Field(default=None, description="Below /tmf-api/: the title.")
    message: str | None = Field(
        default=None, description="Below /tmf-api/: the detail, and what is wrong where."
    )


def answers(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Answer the declaration (``responses=``) of problem documents with these statuses."""
    return {code: {"model": Problem, "description": HTTPStatus(code).phrase} for code in statuses}


def problem(status: int, slug: str, detail: str, **more: Any) -> JSONResponse:
    """Write a problem document."""
    content = {
        "type": f"urn:thongsuot:{slug}",
        "title": slug.replace("-", " "),
        "status": status,
        "detail": detail,
    }
    return JSONResponse({**content, **more}, status_code=status, media_type=MEDIA_TYPE)


def refusal(refused: RefusedError) -> JSONResponse:
    """Write what was refused, and why."""
    more = {"allowed": list(refused.allowed)} if hasattr(refused, "allowed") else {}
    answer = problem(refused.status, refused.slug, str(refused), **more)
    if isinstance(refused, KeyInUseError):
        answer.headers["Retry-After"] = "1"
    return answer


def of_status(error: AnyHTTPException) -> JSONResponse:
    """Write an error that HTTP names by its status alone."""
    phrase = HTTPStatus(error.status_code).phrase
    answer = problem(error.status_code, phrase.lower().replace(" ", "-"), str(error.detail))
    answer.headers.update(error.headers or {})
    return answer


def invalid(parts: Sequence[Any]) -> JSONResponse:
    """Write what of a request is not as described."""
    faults = [{"at": list(one["loc"]), "reason": one["msg"]} for one in parts]
    return problem(422, "invalid-request", "the request is not as described", faults=faults)


class ProblemRoute(APIRoute):
    """Turns refusals into problem documents, whichever application it is mounted in, and settles idempotency keys."""

    @override
    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        inner = super().get_route_handler()

        async def handle(request: Request) -> Response:
            try:
                answer = await _answered(inner, request)
            except Exception:
                if (claim := claim_of(request)) is not None:
                    await claim.drop()
                raise
            if request.url.path.startswith(_TMF) and answer.media_type == MEDIA_TYPE:
                answer = _in_tmf_words(answer)
            if (claim := claim_of(request)) is not None:
                await claim.settle(answer)
            return answer

        return handle


def _in_tmf_words(answer: Response) -> Response:
    """Add to a problem document what TMF630 calls an Error: who speaks only the one reads the same document."""
    told = json.loads(bytes(answer.body))
    wrong = [
        f"{'.'.join(str(step) for step in one['at'])}: {one['reason']}" for one in told.get("faults") or ()
    ]
    error = {
        "@type": "Error",
        "code": told["type"].rpartition(":")[2],
        "reason": told["title"],
        "message": "; ".join([told["detail"], *wrong]),
    }
    headers = {name: value for name, value in answer.headers.items() if name.lower() not in _OF_THE_BODY}
    return JSONResponse(
        {**told, **error}, status_code=answer.status_code, headers=headers, media_type=MEDIA_TYPE
    )


async def _answered(inner: Callable[[Request], Coroutine[Any, Any, Response]], request: Request) -> Response:
    try:
        return await inner(request)
    except Replayed as again:
        return again.answer
    except RefusedError as refused:
        return refusal(refused)
    except RequestValidationError as wrong:
        return invalid(wrong.errors())
    except HTTPException as error:
        return of_status(error)


def described(document: Mapping[str, Any]) -> dict[str, Any]:
    """Answer an OpenAPI document that says of every refusal below ``/api/`` that it is a problem document.

    The framework describes every answer of a route under the media type of its good one, and an invalid request by a
    shape of its own; and whoever asks without a session, or without the right, is refused on every path alike.
    """
    for path, operations in document.get("paths", {}).items():
        for operation in operations.values() if path.startswith(_OURS) else ():
            declared = operation.setdefault("responses", {})
            for code in (401, 403):
                declared.setdefault(str(code), {"description": HTTPStatus(code).phrase})
            for code, answer in declared.items():
                if code.startswith("4"):
                    answer["content"] = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return dict(document)


async def invalid_request(request: Request, error: Exception) -> Response:
    """Answer a request that is not as described, on routes of other packages too: an exception handler."""
    if not isinstance(error, RequestValidationError):
        raise error
    if request.url.path.startswith(_OURS):
        return invalid(error.errors())
    return await request_validation_exception_handler(request, error)
