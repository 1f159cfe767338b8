set(IDF_TARGET esp32)
set(SDKCONFIG_DEFAULTS boards/sdkconfig.base boards/sdkconfig.ble)
set(MICROPY_FROZEN_MANIFEST ${MICROPY_BOARD_DIR}/manifest.py)
