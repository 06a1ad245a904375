"""The routes of the API with what each demands, as the application declares them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from fastapi.routing import APIRoute, iter_route_contexts
from starlette.routing import Route

from app.auth.http import Anyone, Permit
from app.main import build

PREFIX = "/api/v1"
_METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")


@dataclass(frozen=True)
class Declared:
    """A route; `permissions` are those of its dependencies, one where it is well made."""

    method: str
    path: str
    route: Route
    permissions: tuple[str, ...]

    @property
    def name(self) -> str:
        return f"{self.method} {self.path}"

    @property
    def api(self) -> APIRoute:
        assert isinstance(self.route, APIRoute)
        return self.route


def declared_routes() -> Iterator[Declared]:
    """Every method of every route, the description of the API included."""
    for one in iter_route_contexts(build().routes):
        route = one.original_route
        assert isinstance(route, Route)
        assert one.path is not None
        for method in sorted((route.methods or set()) & set(_METHODS)):
            path = one.path.removeprefix(PREFIX)
            yield Declared(method, path, route, tuple(_permissions(route)))


def _permissions(route: Route) -> Iterator[str]:
    if not isinstance(route, APIRoute):
        return
    for dependency in route.dependant.dependencies:
        if isinstance(dependency.call, (Permit, Anyone)):
            yield dependency.call.permission.value


def body_models(declared: Declared) -> Iterator[Any]:
    """The types of a route's JSON body."""
    if isinstance(declared.route, APIRoute):
        for field in declared.route.dependant.body_params:
            yield field.field_info.annotation
