# Redkite in a container. Build: docker build -t redkite .
FROM rust:1-bookworm AS build
WORKDIR /src
RUN apt-get update \
    && apt-get install -y --no-install-recommends cmake g++ libopenblas-dev liblapack-dev \
        libprotobuf-dev mold protobuf-compiler \
    && rm -rf /var/lib/apt/lists/*
COPY . .
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/src/target \
    cargo build --release --locked && cp target/release/redkite /usr/local/bin/redkite

FROM debian:bookworm-slim
RUN apt-get update \
    && apt-get install -y --no-install-recommends ca-certificates libgomp1 libopenblas0 liblapack3 \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --system --create-home --home-dir /var/lib/redkite redkite
COPY --from=build /usr/local/bin/redkite /usr/local/bin/redkite
USER redkite
VOLUME /var/lib/redkite
EXPOSE 5432
# not on loopback: the first start needs REDKITE_PASSWORD
ENV REDKITE_LISTEN=0.0.0.0:5432 REDKITE_DATA=/var/lib/redkite
ENTRYPOINT ["redkite"]
CMD ["serve"]
