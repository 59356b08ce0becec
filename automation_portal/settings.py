"""Settings of the portal, all read from the environment here and nowhere else.

Without any, this is the demonstration: SQLite, an embedded Valkey and the sandbox AWS, everything under
DATA_DIR. `PORTAL_MODE=production` refuses whatever only a demonstration may have.
"""

from pathlib import Path

from django.core.exceptions import ImproperlyConfigured

from automation_portal import environment as env

BASE_DIR = Path(__file__).resolve().parent.parent
DATA_DIR = Path(env.text("DATA_DIR", str(BASE_DIR / "var"))).expanduser().resolve()
PORT = env.number("PORT", 8000, low=1, high=65534)
PORTAL_MODE = env.choice("PORTAL_MODE", "demonstration", ("demonstration", "production"))
DEMONSTRATION = PORTAL_MODE == "demonstration"
DEBUG = env.flag("DEBUG")

SECRETS_DIR = DATA_DIR / "secrets"
if DEMONSTRATION:
    SECRET_KEY = env.text("SECRET_KEY") or env.kept_secret(SECRETS_DIR / "secret_key")
    # Newest first: the first encrypts, all decrypt. Kept apart from SECRET_KEY, which may be rotated alone.
    CREDENTIAL_KEYS = env.words("CREDENTIAL_KEYS") or [
        env.kept_secret(SECRETS_DIR / "credential_key", make="fernet")
    ]
    ALLOWED_HOSTS = env.words("ALLOWED_HOSTS", ("127.0.0.1", "localhost", "[::1]"))
else:
    SECRET_KEY = env.text("SECRET_KEY")
    CREDENTIAL_KEYS = env.words("CREDENTIAL_KEYS")
    ALLOWED_HOSTS = env.words("ALLOWED_HOSTS")

# The sandbox AWS. Only a demonstration has one; a target may name its address only there.
SANDBOX_PORT = env.number("SANDBOX_PORT", PORT + 1, low=1, high=65535)
SANDBOX_URL = f"http://127.0.0.1:{SANDBOX_PORT}" if DEMONSTRATION else ""
SANDBOX_SECRETS = SECRETS_DIR / "sandbox.json"
# Keys kept in the portal's database and addresses other than AWS's own are for laboratories.
LAB_TARGETS_ALLOWED = DEMONSTRATION

CSRF_TRUSTED_ORIGINS = env.words("CSRF_TRUSTED_ORIGINS")
PUBLIC_URL = env.text("PUBLIC_URL", f"http://127.0.0.1:{PORT}")

INSTALLED_APPS = [
    "automation_portal",
    "executions",
    "accounts",
    "documents",
    "aws",
    "audit",
    "common",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "allauth",
    "allauth.account",
    "csp",
    "django_htmx",
    "django_rq",
    "guardian",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "csp.middleware.CSPMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.auth.middleware.LoginRequiredMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "common.middleware.RequestContextMiddleware",
    "common.middleware.PortalErrorMiddleware",
]

ROOT_URLCONF = "automation_portal.urls"
ASGI_APPLICATION = "automation_portal.asgi.application"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "automation_portal.context.shell",
            ],
        },
    }
]

DATABASES = {"default": env.database(env.text("DATABASE_URL", f"sqlite:///{DATA_DIR / 'portal.sqlite3'}"))}

REDIS_URL = env.text("REDIS_URL", f"unix://{DATA_DIR / 'valkey' / 'valkey.sock'}?db=0")
CACHES = {"default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": REDIS_URL}}
RQ_QUEUES = {
    # What a person waits for.
    "launch": {"URL": REDIS_URL, "DEFAULT_TIMEOUT": 120},
    "default": {"URL": REDIS_URL, "DEFAULT_TIMEOUT": 300},
    # Follows all runs of one target or several, for a turn of several minutes.
    "tracking": {"URL": REDIS_URL, "DEFAULT_TIMEOUT": 900},
}
RQ = {"COMMIT_MODE": "on_db_commit", "DEFAULT_RESULT_TTL": 300, "WORKER_CLASS": "common.workers.Worker"}

# Runs that ended so many days ago are removed; 0 keeps them all. See docs/operations.md.
RETENTION_DAYS = env.number("RETENTION_DAYS", 0, low=0, high=36500)

AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = [
    "django.contrib.auth.backends.ModelBackend",
    "allauth.account.auth_backends.AuthenticationBackend",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "home"
ACCOUNT_LOGOUT_REDIRECT_URL = "account_login"
ACCOUNT_ADAPTER = "accounts.adapters.AccountAdapter"
ACCOUNT_LOGIN_METHODS = {"username"}
ACCOUNT_SIGNUP_FIELDS = ["username*", "password1*"]
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_SESSION_REMEMBER = False

# The anonymous user owns nothing: an object permission granted to "everybody" must not exist.
ANONYMOUS_USER_NAME = None
GUARDIAN_MONKEY_PATCH_USER = False
GUARDIAN_MONKEY_PATCH_GROUP = False
# guardian's backend is left out of AUTHENTICATION_BACKENDS on purpose: only the door answers for objects.
SILENCED_SYSTEM_CHECKS = ["guardian.W001"]

SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_NAME = "portal_session"
SESSION_COOKIE_AGE = 12 * 60 * 60
CSRF_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_HTTPONLY = True
CSRF_USE_SESSIONS = False
CSRF_FAILURE_VIEW = "common.views.csrf_failure"
X_FRAME_OPTIONS = "DENY"
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
if DEMONSTRATION:
    # Two demonstrations on one host differ only in their port, which cookies ignore.
    SESSION_COOKIE_NAME = f"portal_session_{PORT}"
    CSRF_COOKIE_NAME = f"portal_csrf_{PORT}"
else:
    SESSION_COOKIE_SECURE = True
    CSRF_COOKIE_SECURE = True
    SECURE_SSL_REDIRECT = env.flag("SECURE_SSL_REDIRECT", True)
    SECURE_HSTS_SECONDS = env.number("SECURE_HSTS_SECONDS", 31536000, low=0, high=63072000)
    SECURE_HSTS_INCLUDE_SUBDOMAINS = True
    SECURE_REDIRECT_EXEMPT = [r"^health/"]
    if env.flag("BEHIND_TLS_PROXY"):
        SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
TRUSTED_PROXY_COUNT = env.number("TRUSTED_PROXY_COUNT", 0, low=0, high=5)
ALLAUTH_TRUSTED_PROXY_COUNT = TRUSTED_PROXY_COUNT

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'none'"],
        "script-src": ["'self'"],
        # The editor adopts its generated sheet by script in a shadow root: nothing needs inline styles.
        "style-src": ["'self'"],
        "img-src": ["'self'", "data:"],
        "font-src": ["'self'"],
        "connect-src": ["'self'"],
        "form-action": ["'self'"],
        "frame-ancestors": ["'none'"],
        "base-uri": ["'none'"],
    }
}

LANGUAGE_CODE = "en"
TIME_ZONE = "UTC"
USE_TZ = True
USE_I18N = False

STATIC_URL = "static/"
STATIC_ROOT = DATA_DIR / "static"
FRONTEND_DIST = Path(env.text("FRONTEND_DIST", str(DATA_DIR / "frontend" / "dist")))
STATICFILES_DIRS = [FRONTEND_DIST] if FRONTEND_DIST.is_dir() else []
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "{asctime} {levelname} {name}: {message}", "style": "{"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["console"], "level": env.choice("LOG_LEVEL", "INFO", ("DEBUG", "INFO", "WARNING"))},
    "loggers": {
        # botocore's debug log prints credentials and request bodies.
        "botocore": {"level": "WARNING"},
        "boto3": {"level": "WARNING"},
        "urllib3": {"level": "WARNING"},
    },
}

if not DEMONSTRATION:
    from automation_portal.production import faults

    _faults = faults(
        debug=DEBUG,
        secret_key=SECRET_KEY,
        credential_keys=CREDENTIAL_KEYS,
        allowed_hosts=ALLOWED_HOSTS,
        secrets_dir=SECRETS_DIR,
    )
    if _faults:
        raise ImproperlyConfigured(
            "\n- ".join(["The portal does not start in production like this:", *_faults])
        )
