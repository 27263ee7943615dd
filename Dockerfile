# syntax=docker/dockerfile:1
# One static binary without C, in an image that holds nothing else.
#
#   docker build -t holdfast .
#   docker run --rm holdfast version
FROM golang:1.26 AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN --mount=type=cache,target=/go/pkg/mod go mod download
COPY . .
RUN --mount=type=cache,target=/go/pkg/mod --mount=type=cache,target=/gocache \
    GOCACHE=/gocache CGO_ENABLED=0 go build -trimpath -o /out/holdfast ./cmd/holdfast && mkdir /out/data

FROM gcr.io/distroless/static-debian12:nonroot
COPY --from=build /out/holdfast /usr/local/bin/holdfast
# A new volume takes over who owns this folder, so the node may write there.
COPY --from=build --chown=nonroot:nonroot /out/data /data
VOLUME /data
EXPOSE 9464
ENTRYPOINT ["/usr/local/bin/holdfast"]
CMD ["--help"]
