"""The application of the console role."""

from __future__ import annotations

from collections.abc import Sequence

from litestar import Litestar, Router
from litestar.datastructures import State
from litestar.openapi import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin
from litestar.openapi.spec import Components, SecurityScheme
from litestar.types import ControllerRouterHandler

from headwater import __version__
from headwater.api import error_replies
from headwater.api.audience_routes import AudienceRoutes
from headwater.api.authorization import TOKEN_IN_QUERY, require_scope
from headwater.api.dead_letter_routes import DeadLetterRoutes
from headwater.api.entity_routes import EntityRoutes, show_me
from headwater.api.failed_attempts import FailedAttempts
from headwater.api.identity_routes import IdentityRoutes
from headwater.api.integration_routes import IntegrationRoutes, list_kits, show_kit
from headwater.api.pipeline_routes import PipelineRoutes
from headwater.api.ports import Services
from headwater.api.profile_routes import ProfileRoutes
from headwater.api.profile_schema_routes import ProfileSchemaRoutes
from headwater.api.public_access_routes import PublicAccessRoutes
from headwater.api.public_visits import PublicVisits
from headwater.api.query_routes import QueryRoutes
from headwater.api.rebuild_routes import RebuildRoutes
from headwater.api.schema_catalog_routes import SchemaCatalogRoutes, stream_names
from headwater.api.schema_patch_routes import SchemaPatchRoutes
from headwater.api.schema_routes import SchemaRoutes
from headwater.api.second_segment_routes import SecondSegmentRoutes
from headwater.api.segment_reading_routes import SegmentReadingRoutes
from headwater.api.segment_routes import SegmentRoutes
from headwater.api.subscription_routes import SubscriptionRoutes
from headwater.api.token_routes import TokenRoutes, list_changes, show_myself

PREFIX = "/api/v1"
FIRST_LYTICS_PREFIX = "/api"
SECOND_LYTICS_PREFIX = "/v2"
REQUEST_LIMIT_BYTES = 4 * 1024 * 1024


def create_app(services: Services, mounted: Sequence[ControllerRouterHandler] = ()) -> Litestar:
    """The admin API under /api/v1, both Lytics APIs under /api and /v2, and the OpenAPI document, with further routers beside it (pages, other APIs).

    What is mounted brings its own rules for access; `services` is in the application's state for all.
    """
    admin = Router(
        PREFIX,
        guards=[require_scope],
        security=[{"token": []}],
        route_handlers=[
            PipelineRoutes,
            IntegrationRoutes,
            TokenRoutes,
            DeadLetterRoutes,
            ProfileSchemaRoutes,
            PublicAccessRoutes,
            ProfileRoutes,
            RebuildRoutes,
            AudienceRoutes,
            list_kits,
            show_kit,
            list_changes,
            show_myself,
        ],
    )
    first_lytics = Router(
        FIRST_LYTICS_PREFIX,
        guards=[require_scope],
        security=[{"token": []}, {"access_token": []}],
        opt=TOKEN_IN_QUERY,
        route_handlers=[
            EntityRoutes,
            show_me,
            QueryRoutes,
            SchemaCatalogRoutes,
            SegmentRoutes,
            SegmentReadingRoutes,
            SubscriptionRoutes,
        ],
    )
    second_lytics = Router(
        SECOND_LYTICS_PREFIX,
        guards=[require_scope],
        security=[{"token": []}],
        route_handlers=[SchemaRoutes, SchemaPatchRoutes, IdentityRoutes, SecondSegmentRoutes, stream_names],
    )
    return Litestar(
        route_handlers=[admin, first_lytics, second_lytics, *mounted],
        state=State(
            {
                "services": services,
                "failed_attempts": FailedAttempts(),
                "public_visits": PublicVisits(services.pool),
            }
        ),
        exception_handlers={Exception: error_replies.reply_to},
        openapi_config=_openapi(),
        request_max_body_size=REQUEST_LIMIT_BYTES,
        # Our own log format; the framework would install handlers of its own.
        logging_config=None,
    )


def _openapi() -> OpenAPIConfig:
    scheme = SecurityScheme(
        type="apiKey",
        name="Authorization",
        security_scheme_in="header",
        description="An API token, raw or after Bearer.",
    )
    parameter = SecurityScheme(
        type="apiKey", name="access_token", security_scheme_in="query", description="An API token."
    )
    return OpenAPIConfig(
        title="Headwater admin API",
        version=__version__,
        path=f"{PREFIX}/schema",
        render_plugins=[JsonRenderPlugin(path="/openapi.json")],
        components=Components(security_schemes={"token": scheme, "access_token": parameter}),
    )
