# citrix-odata-proxy in a container. How to run it: docs/deployment.md.
#
#   docker build -t citrix-odata-proxy .                         compiles it; with traces: --build-arg FEATURES=otel
#   docker build --target from-binary -t citrix-odata-proxy .    takes dist/<amd64|arm64>/citrix-odata-proxy, which was built before,
#                                                                and dist/THIRD-PARTY-LICENSES.html (deploy/release/licenses)

# What it is compiled in, and what it runs on. The second must have the C library of the first, or a newer one.
ARG BUILDER=rust:1.95-bookworm
ARG BASE=debian:bookworm-slim

FROM ${BUILDER} AS builder
WORKDIR /build
COPY Cargo.toml Cargo.lock ./
COPY src ./src
COPY benches ./benches
ARG FEATURES=
# The caches make the second build short. An engine without them builds all the same.
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/build/target \
    cargo build --release --locked --bin citrix-odata-proxy --features "${FEATURES}" \
    && install -D -m 0755 target/release/citrix-odata-proxy /out/citrix-odata-proxy

# Everything but the program.
FROM ${BASE} AS runtime
# The certificate authorities change more often than anything else here, so whichever are current; and a base that has some
# keeps them.
# hadolint ignore=DL3008
RUN if [ ! -e /etc/ssl/certs/ca-certificates.crt ]; then \
      apt-get update \
      && apt-get install --yes --no-install-recommends ca-certificates \
      && rm -rf /var/lib/apt/lists/*; \
    fi \
    && install --directory --owner=65532 --group=65532 --mode=0700 /var/lib/citrix-odata-proxy \
    && install --directory --mode=0755 /etc/citrix-odata-proxy
COPY --chmod=0644 LICENSE-APACHE LICENSE-MIT /usr/share/doc/citrix-odata-proxy/
# All addresses of the container, or nobody outside would reach it. The program refuses that until the settings say who may
# read (access keys, or anonymous) and how (TLS, or plain HTTP behind something that has it).
ENV CITRIX_ODATA_PROXY__DATA_DIR=/var/lib/citrix-odata-proxy \
    CITRIX_ODATA_PROXY__SERVER__LISTEN=0.0.0.0:8484
# The settings file is looked for here: citrix-odata-proxy.toml.
WORKDIR /etc/citrix-odata-proxy
# A number, so that Kubernetes can see that it is not root.
USER 65532:65532
EXPOSE 8484
# The only folder that it writes to; everything else may be read-only.
VOLUME ["/var/lib/citrix-odata-proxy"]
HEALTHCHECK --interval=30s --timeout=10s --start-period=10s --retries=3 \
    CMD ["/usr/bin/citrix-odata-proxy", "health"]
STOPSIGNAL SIGTERM
ENTRYPOINT ["/usr/bin/citrix-odata-proxy"]
CMD ["serve"]
ARG VERSION=unknown
ARG REVISION=unknown
ARG SOURCE=unknown
LABEL org.opencontainers.image.title="citrix-odata-proxy" \
      org.opencontainers.image.description="A local OData server that makes Citrix Cloud monitoring data easy for Power BI, Excel and scripts" \
      org.opencontainers.image.licenses="MIT OR Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.source="${SOURCE}"

FROM runtime AS from-binary
ARG TARGETARCH=amd64
# An image that is passed on has the licences of what is in it.
COPY --chmod=0644 dist/THIRD-PARTY-LICENSES.html /usr/share/doc/citrix-odata-proxy/
COPY --chmod=0755 dist/${TARGETARCH}/citrix-odata-proxy /usr/bin/citrix-odata-proxy

FROM runtime
COPY --from=builder /out/citrix-odata-proxy /usr/bin/citrix-odata-proxy
