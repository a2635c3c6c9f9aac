from hypothesis import settings

settings.register_profile("pyheketi", deadline=None)  # shared machines are slow at times; nothing is timed here
settings.load_profile("pyheketi")
