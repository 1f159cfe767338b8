"""ESP32-DevKitC V4 with the module ESP32-WROOM-32E (4 MB of flash, no PSRAM): which pin does what.

Numbers are GPIO numbers, as `machine.Pin` takes them and the board prints them (IO17 is 17).
Sources: ESP32 series data sheet (strapping pins, GPIO 34 to 39), ESP32-WROOM-32E data sheet, ESP32-DevKitC V4 guide.
Wiring, step by step: hardware/wiring/esp32_devkitc_v4.md
"""

BOARD = "ESP32-DevKitC V4"
MCU = "ESP32"

METER_UART = 2  # UART0 is the USB cable: console and provisioning
METER_TX = 17  # 16 and 17 are free because this module has no PSRAM
METER_RX = 16

I2C = 0
SDA = 21
SCL = 22

LED = 25  # the board's own LED shows 5 V and is no pin's
LED_ACTIVE = 1
BUTTON = 32  # to GND; internal pull-up
BUZZER = 26  # active buzzer behind a transistor
CASE = 33  # closed case = closed switch to GND; internal pull-up

READER_UART = 1  # its default pins 9 and 10 belong to the flash: always name these two
READER_TX = 19
READER_RX = 18
