# The service alone: docker build -t maskloop . && docker run -p 9090:9090 -v maskloop:/state maskloop
# With Label Studio beside it: compose.yaml. All MASKLOOP_* settings are environment variables.
# Weights go into the volume: docker exec CONTAINER python -m scripts.fetch_weights sam-vit-b
#
# BASE may be any Debian or Ubuntu image with Python 3.10 to 3.13 and its venv module.
# For NVIDIA GPUs: docker build --build-arg TORCH_INDEX=https://download.pytorch.org/whl/cu130 -t maskloop . and
# docker run --gpus all ...; gigabytes larger, because torch brings its CUDA libraries.
ARG BASE=python:3.12-slim-bookworm

FROM ${BASE} AS build
ARG TORCH_INDEX=https://download.pytorch.org/whl/cpu
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
WORKDIR /src
RUN python3 -m venv /opt/maskloop
COPY constraints.txt ./
RUN /opt/maskloop/bin/pip install --no-deps --constraint constraints.txt --extra-index-url "${TORCH_INDEX}" \
    torch torchvision
COPY pyproject.toml README.md LICENSE ./
COPY backend backend
COPY models models
COPY scripts scripts
RUN /opt/maskloop/bin/pip install --constraint constraints.txt --extra-index-url "${TORCH_INDEX}" ".[sam,dicom,nifti]"

FROM ${BASE}
RUN useradd --system --uid 10001 --create-home --home-dir /state maskloop
COPY --from=build /opt/maskloop /opt/maskloop
ENV PATH=/opt/maskloop/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    MASKLOOP_HOST=0.0.0.0 \
    MASKLOOP_STATE_DIR=/state
# Not /state: Python would import what lies there before what is installed.
WORKDIR /opt/maskloop
USER 10001
VOLUME /state
EXPOSE 9090
HEALTHCHECK --interval=30s --timeout=5s --start-period=30s \
    CMD ["python", "-c", "import os, urllib.request; urllib.request.urlopen('http://127.0.0.1:' + os.environ.get('MASKLOOP_PORT', '9090') + '/health', timeout=3)"]
CMD ["python", "-m", "scripts.serve"]
