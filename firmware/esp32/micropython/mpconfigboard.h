// A unit's own build of MicroPython for an ESP32 without PSRAM: modules run in place from the partition `romfs`.
#define MICROPY_HW_BOARD_NAME "WattWitness unit"
#define MICROPY_HW_MCU_NAME "ESP32"
#define MICROPY_VFS_ROM (1)
