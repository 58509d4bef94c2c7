# The images of our services and of `init`. Build arguments choose the service:
#   SERVICE  its folder below services/        PACKAGE  its import name
# A deployment may pin the base by digest: --build-arg PYTHON_IMAGE=python:3.13-slim@sha256:…
ARG PYTHON_IMAGE=python:3.13-slim

# Our packages as wheels, made with the build backend that the workspace's lock pins.
FROM ${PYTHON_IMAGE} AS wheels
ENV PIP_CACHE_DIR=/var/cache/pip
COPY requirements.lock /tmp/
RUN --mount=type=cache,target=/var/cache/pip \
    awk '/^[a-z]/ { wanted = /^uv-build==/ } wanted' /tmp/requirements.lock >/tmp/backend.lock \
    && pip install --quiet --disable-pip-version-check --root-user-action=ignore \
        --require-hashes -r /tmp/backend.lock
ARG SERVICE
COPY packages/oauth-kit /src/oauth-kit
COPY services/${SERVICE} /src/service
RUN pip wheel --quiet --disable-pip-version-check --no-deps --no-build-isolation \
        --wheel-dir /wheels /src/oauth-kit /src/service

FROM ${PYTHON_IMAGE} AS build
ENV PIP_CACHE_DIR=/var/cache/pip
ARG SERVICE
COPY services/${SERVICE}/requirements.lock /tmp/
RUN --mount=type=cache,target=/var/cache/pip \
    python -m venv --without-pip /opt/venv \
    && pip --python /opt/venv/bin/python install --quiet --disable-pip-version-check \
        --root-user-action=ignore --require-hashes -r /tmp/requirements.lock
COPY --from=wheels /wheels /wheels
RUN pip --python /opt/venv/bin/python install --quiet --disable-pip-version-check \
        --root-user-action=ignore --no-deps --no-index /wheels/*.whl

FROM ${PYTHON_IMAGE} AS service
ARG PACKAGE
RUN useradd --uid 10001 --user-group --no-create-home --home-dir /nonexistent authstack
COPY --from=build /opt/venv /opt/venv
COPY gunicorn.conf.py compose/healthcheck.sh /app/
ENV PATH=/opt/venv/bin:$PATH PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 PACKAGE=${PACKAGE}
WORKDIR /app
USER 10001:10001
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=15s --timeout=5s --retries=4 --start-period=60s --start-interval=1s \
    CMD ["bash", "/app/healthcheck.sh"]
CMD ["gunicorn", "--config", "/app/gunicorn.conf.py"]

FROM ${PYTHON_IMAGE} AS init
# empty volumes get their owner from here
RUN install --directory --owner=10001 --group=10001 /ca /certificates
COPY compose/init.py compose/provider_choice.py compose/reach.py compose/users.acl \
    compose/certificates.sh /init/
ENTRYPOINT ["python", "-E", "-s", "/init/init.py"]
