"""Raspberry Pi 4 Model B with Raspberry Pi OS Bookworm (64 bit): which pin does what.

Numbers are BCM numbers, as gpiozero takes them (17 is pin 11 of the header). The serial ports need three lines in
/boot/firmware/config.txt: `enable_uart=1`, `dtoverlay=disable-bt` (the meter gets the real UART, whose speed does not
follow the processor's clock) and `dtoverlay=uart3`; and no console on the first. Older kernels count the second port
as /dev/ttyAMA1: `ls /dev/ttyAMA*` tells.
Sources: BCM2711 ARM Peripherals (alternative functions, pulls at reset), Raspberry Pi documentation on UARTs.
Wiring, step by step: hardware/wiring/raspberry_pi_4b.md
"""

BOARD = "Raspberry Pi 4 Model B"
MCU = "BCM2711"

METER_UART = "/dev/ttyAMA0"
METER_TX = 14
METER_RX = 15

I2C = 1
SDA = 2  # 1.8 kOhm to 3.3 V on the board
SCL = 3

LED = 17  # pulled down at reset: dark until the program says otherwise
LED_ACTIVE = 1
BUTTON = 27  # to GND; the program turns its pull-up on
BUZZER = 22  # active buzzer behind a transistor; pulled down at reset
CASE = 23  # closed case = closed switch to GND; the program turns its pull-up on

READER_UART = "/dev/ttyAMA3"
READER_TX = 4
READER_RX = 5
