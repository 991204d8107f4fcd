"""The ground floor: ids, money, time, settings, problems and logging. It knows neither database nor web."""
