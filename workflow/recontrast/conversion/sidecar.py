"""What the JSON file beside a converted image may say: how it was measured; not of whom, where or when."""

# Fields of BIDS and of dcm2niix. Free text (descriptions, comments, coil and protocol names), dates, places,
# UIDs and serial numbers are not among them.
_FIELDS = """
Modality MagneticFieldStrength ImagingFrequency Manufacturer ManufacturersModelName PatientPosition
MRAcquisitionType ScanningSequence SequenceVariant ScanOptions PulseSequenceType
NonlinearGradientCorrection SliceThickness SpacingBetweenSlices EchoTime EchoTime1 EchoTime2 EchoNumber
RepetitionTime RepetitionTimeExcitation InversionTime FirstInversionTime SaturationDelayTime FlipAngle
NumberOfAverages MTState SpoilingState SpoilingType DwellTime PixelBandwidth PercentPhaseFOV
PercentSampling EchoTrainLength PartialFourier PartialFourierDirection PartialFourierEnabled
PhaseEncodingDirection PhaseEncodingAxis PhaseEncodingSteps PhaseEncodingStepsNoPartialFourier
PhaseEncodingPolarityGE PhaseEncodingStepsOutOfPlane FrequencyEncodingSteps AcquisitionMatrixPE
ReconMatrixPE BaseResolution ParallelReductionFactorInPlane ParallelReductionFactorOutOfPlane
ParallelAcquisitionTechnique MultibandAccelerationFactor EffectiveEchoSpacing
EstimatedEffectiveEchoSpacing DerivedVendorReportedEchoSpacing TotalReadoutTime
EstimatedTotalReadoutTime WaterFatShift SliceTiming SliceEncodingDirection DiffusionScheme
DiffusionGradientOrientation ImageOrientationPatientDICOM InPlanePhaseEncodingDirectionDICOM
PhilipsRWVSlope PhilipsRWVIntercept PhilipsRescaleSlope PhilipsRescaleIntercept PhilipsScaleSlope
UsePhilipsFloatNotDisplayScaling AcquisitionDuration
"""
ALLOWED = frozenset(_FIELDS.split())


def clean(facts: dict[str, object]) -> dict[str, object]:
    """The acquisition parameters among what dcm2niix wrote, in its order."""
    return {key: value for key, value in facts.items() if key in ALLOWED}
