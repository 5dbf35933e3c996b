export const tides = ["04:12 high, 3.1 m", "10:27 low, 0.6 m", "16:41 high, 2.9 m", "22:58 low, 0.8 m"];
