# docker build -t sipauthd . && docker run --rm -p 8080:8080 -p 8081:8081 -v sipauthd:/data sipauthd
FROM node:20-bookworm-slim AS build
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci --ignore-scripts
COPY tsconfig.json ./
COPY src ./src
RUN npm run build

FROM node:20-bookworm-slim AS modules
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci --omit=dev --ignore-scripts

FROM node:20-bookworm-slim
WORKDIR /app
ENV NODE_ENV=production HOST=0.0.0.0 DATA_DIR=/data
COPY package.json LICENSE ./
# Read as they are when the schema is brought up to date; package.json marks the folder that they are found from.
COPY src/store/migrations ./src/store/migrations
COPY --from=modules /app/node_modules ./node_modules
COPY --from=build /app/dist ./dist
RUN install -d -o node -g node -m 0700 /data
USER node
# Generated secrets, and the embedded database where there is no DATABASE_URL.
VOLUME /data
EXPOSE 8080 8081 5060/udp 5060/tcp
HEALTHCHECK --interval=5s --timeout=3s --start-period=60s --retries=3 CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.AUTH_PORT || 8081}/readyz`).then(({ ok }) => process.exit(ok ? 0 : 1), () => process.exit(1))"]
# `docker run … sipauthd mirror check` and the like take the place of `serve`, which ends at SIGTERM by itself.
ENTRYPOINT ["node", "--max-semi-space-size=32", "dist/cli.js"]
CMD ["serve"]
