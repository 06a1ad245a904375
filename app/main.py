"""The ASGI application."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from fastapi import FastAPI
from fastapi.routing import APIRoute
from sqlalchemy import text

from app.api import router
from app.auth.http import anyone, watch_refusals
from app.auth.passwords import PasswordChecker
from app.context import Context
from app.kit import problems
from app.kit.logs import configure_logs
from app.kit.middleware import SecureHeaders
from app.process import open_context
from app.settings import Settings

VERSION = "0.1.0"


def make_app(settings: Settings) -> FastAPI:
    """The application of a server process: its context lives as long as it does."""
    configure_logs()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with open_context(settings) as context:
            app.state.context = context
            yield

    return build(lifespan)


def build(
    lifespan: Callable[[FastAPI], object] | None = None, *, context: Context | None = None
) -> FastAPI:
    """Routes, problems and headers around a lifespan, or around a context made elsewhere."""
    app = FastAPI(
        title="Parapheur",
        version=VERSION,
        docs_url=None,
        redoc_url=None,
        openapi_url="/api/v1/openapi.json",
        # A redirection would name the Host that the request claims (threat 31).
        redirect_slashes=False,
        lifespan=lifespan,  # type: ignore[arg-type]
        generate_unique_id_function=_operation_id,
    )
    app.state.password_checker = PasswordChecker()
    if context is not None:
        app.state.context = context
    problems.install(app, watch_refusals)
    app.add_middleware(SecureHeaders)
    app.include_router(router)
    app.add_api_route(
        "/api/v1/health",
        health,
        methods=["GET"],
        tags=["service"],
        summary="Savoir si le service répond",
        response_model=dict[str, str],
        responses=problems.problem_responses(503),
    )
    return app


def _operation_id(route: APIRoute) -> str:
    return route.name


async def health(context: Context = anyone()) -> dict[str, str]:
    """The database answers."""
    async with context.unit() as session:
        await session.execute(text("SELECT 1"))
    return {"status": "ok", "version": VERSION}
