# Two images: `orderly` runs every process of Orderly, `nats` runs one nats-server with Orderly's configuration.
# The images hold no secret: secrets are mounted when a container starts (docker-compose.yml shows how).

FROM node:26.10.0-bookworm-slim AS dependencies
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
# The optional dependencies are Node itself, for machines without it; this image has it.
RUN npm ci --omit=dev --omit=optional \
  && rm -rf node_modules/better-sqlite3/deps node_modules/better-sqlite3/src

FROM node:26.10.0-bookworm-slim AS console
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
COPY tools tools
RUN npm ci
COPY tsconfig.json ./
COPY console console
COPY machines machines
COPY config config
COPY src src
RUN node console/build/run.ts

FROM nats:2.15.1-alpine AS nats
COPY config/nats/cluster.conf /etc/nats/cluster.conf
RUN mkdir -p /var/lib/nats && chown 1000:1000 /var/lib/nats
USER 1000:1000
ENTRYPOINT ["nats-server"]
# The monitoring port answers the health check; it is not published.
CMD ["-c", "/etc/nats/cluster.conf", "-m", "8222"]

FROM node:26.10.0-bookworm-slim AS orderly
ENV NODE_ENV=production
WORKDIR /app
# The files that .dockerignore lets through: no tests, no documents, no data, no secrets.
COPY . .
COPY --from=dependencies /app/node_modules node_modules
COPY --from=console /app/console/dist console/dist
RUN mkdir -p /var/lib/orderly && chown 1000:1000 /var/lib/orderly
USER 1000:1000
# The image holds no git checkout: docker build --build-arg ORDERLY_COMMIT=$(git rev-parse HEAD)
ARG ORDERLY_COMMIT
ENV ORDERLY_COMMIT=$ORDERLY_COMMIT
CMD ["node", "nodes/order-node.ts"]
