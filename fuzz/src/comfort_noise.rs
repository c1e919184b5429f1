use rtp_core::comfort_noise::{ComfortNoise, level_of, quantize};

/// A comfort noise payload; the same octets again as samples.
///
/// What is read is written as it was, but for the reserved bit; coefficients are those of a stable filter, and
/// keep their octets; the level of any samples is one.
pub fn comfort_noise(data: &[u8]) {
    let samples: Vec<i16> =
        data.as_chunks::<2>().0.iter().map(|pair| i16::from_le_bytes(*pair)).collect();
    assert!(level_of(&samples) <= 127);
    let Ok(noise) = ComfortNoise::parse(data) else {
        assert!(data.is_empty());
        return;
    };
    assert!(noise.level() <= 127);
    assert_eq!(noise.order(), data.len() - 1);
    assert!(noise.mean_square().is_finite() && noise.mean_square() > 0.0);
    for (coefficient, octet) in noise.coefficients().zip(&data[1..]) {
        assert!(coefficient.abs() < 1.0);
        assert_eq!(quantize(coefficient), (*octet).min(254));
    }
    let mut written = vec![0; data.len()];
    assert_eq!(noise.write(&mut written), Ok(data.len()));
    assert_eq!((written[0], &written[1..]), (data[0] & 0x7f, &data[1..]));
    assert!(noise.write(&mut written[1..]).is_err());
    let short = ComfortNoise::coloured(data[0], &data[1..]);
    assert!(short.order() <= 10 && short.write(&mut [0; 11]).is_ok());
}
