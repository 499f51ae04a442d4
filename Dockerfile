# The shell in a container: docker run --rm -v /data:/data IMAGE predict-cohort --slides /data/slides.csv ...
#
#   docker build -t napari-mclstexp .                                            on the CPU
#   docker build -t napari-mclstexp:cuda --build-arg TORCH=cu128 .               with CUDA 12.8
#
# TORCH is what uv calls a torch backend (cpu, cu126, cu128, ...). Wheels for CUDA bring its libraries,
# so that only the driver must be on the host (docker run --gpus all).
ARG PYTHON=3.12

FROM ${BASE} AS build
ARG TORCH=cpu
ENV UV_NO_CACHE=1 UV_TORCH_BACKEND=${TORCH} VIRTUAL_ENV=/opt/venv
WORKDIR /src
COPY container ./container
RUN pip install --no-cache-dir --require-hashes --requirement container/tools.lock && uv venv "$VIRTUAL_ENV"
# Layers that stay when only the program has changed.
RUN uv pip install --no-deps --require-hashes --requirements container/program.lock
# hadolint ignore=DL3059
RUN uv pip install --requirements container/torch.lock
COPY pyproject.toml README.md LICENSE ./
COPY sample_data ./sample_data
COPY src ./src
RUN pip wheel --no-cache-dir --no-deps --no-build-isolation --wheel-dir /wheels . \
 && uv pip install --no-deps /wheels/*.whl \
 && uv pip check

FROM ${BASE}
# What torch and napari, which the package brings, still want of the system.
# hadolint ignore=DL3008
RUN apt-get update \
 && apt-get install --yes --no-install-recommends libgomp1 libgl1 libglib2.0-0 tini \
 && rm -rf /var/lib/apt/lists/*
COPY --from=build /opt/venv /opt/venv
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    # Whoever runs it may have no home: what is kept of features goes where a volume can be.
    NAPARI_MCLSTEXP_CACHE=/cache \
    NAPARI_MCLSTEXP_DATA=/models
RUN mkdir -p /cache /models && chmod 1777 /cache /models \
 && useradd --create-home --uid 1000 mclstexp
USER 1000
WORKDIR /data
# tini hands SIGTERM on, so that a run that is stopped ends cleanly, and buries what it started.
ENTRYPOINT ["tini", "--", "napari-mclstexp"]
CMD ["--help"]
