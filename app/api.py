"""Table of contents of the API: every router, one line each."""

from __future__ import annotations

from fastapi import APIRouter

from app.auth import endpoints as auth
from app.catalog import endpoints as catalog
from app.deposits import endpoints as deposits
from app.desks import endpoints as desks
from app.devices import endpoints as devices
from app.folders import endpoints as folders
from app.signing_jobs import endpoints as signing_jobs
from app.tenants import endpoints as tenants
from app.transmissions import endpoints as transmissions
from app.users import endpoints as users

router = APIRouter(prefix="/api/v1")
router.include_router(auth.router)
router.include_router(tenants.router)
router.include_router(users.router)
router.include_router(desks.router)
router.include_router(devices.router)
router.include_router(catalog.router)
router.include_router(deposits.router)
router.include_router(folders.router)
router.include_router(signing_jobs.router)
router.include_router(transmissions.router)
