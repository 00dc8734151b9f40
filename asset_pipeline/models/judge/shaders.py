"""The shader: glTF's metal-roughness model under fixed lights (GGX), and base colour alone, in one pass.

Written out for what a primitive has (`defines`), because a texture that is not sampled costs nothing. Space
is the world, seen from the middle of the master's sphere.
"""

from asset_pipeline.models.judge.surfaces import Slot, Wrap

LOD_BIAS = -0.5  # sharper mipmaps, in place of anisotropic filtering, which takes the CPU twice as long

VERTEX = """
in vec3 in_position;
in mat4 in_model;
#ifdef HAS_NORMAL
in vec3 in_normal;
out vec3 v_normal;
#endif
#ifdef HAS_TANGENT
in vec4 in_tangent;
out vec4 v_tangent;
#endif
#ifdef HAS_COLOR
in vec4 in_color;
out vec4 v_color;
#endif
#ifdef HAS_UV_A
in vec2 in_uv_a;
out vec2 v_uv_a;
#endif
#ifdef HAS_UV_B
in vec2 in_uv_b;
out vec2 v_uv_b;
#endif
out vec3 v_position;
uniform mat4 u_projected;
uniform float u_point_px;

void main() {
    vec4 placed = in_model * vec4(in_position, 1.0);
    v_position = placed.xyz;
    gl_Position = u_projected * placed;
    gl_PointSize = u_point_px;
#ifdef HAS_NORMAL
    mat3 turn = mat3(in_model);
    mat3 cofactors = mat3(cross(turn[1], turn[2]), cross(turn[2], turn[0]), cross(turn[0], turn[1]));
    vec3 turned = cofactors * in_normal * (dot(turn[0], cofactors[0]) < 0.0 ? -1.0 : 1.0);
    v_normal = turned * inversesqrt(max(dot(turned, turned), 1e-30));
#endif
#ifdef HAS_TANGENT
    vec3 along = turn * in_tangent.xyz;
    v_tangent = vec4(along * inversesqrt(max(dot(along, along), 1e-30)), in_tangent.w);
#ifdef MIRRORED
    v_tangent.w = -v_tangent.w;
#endif
#endif
#ifdef HAS_COLOR
    v_color = in_color;
#endif
#ifdef HAS_UV_A
    v_uv_a = in_uv_a;
#endif
#ifdef HAS_UV_B
    v_uv_b = in_uv_b;
#endif
}
"""

FRAGMENT = """
in vec3 v_position;
#ifdef HAS_NORMAL
in vec3 v_normal;
#endif
#ifdef HAS_TANGENT
in vec4 v_tangent;
#endif
#ifdef HAS_COLOR
in vec4 v_color;
#endif
#ifdef HAS_UV_A
in vec2 v_uv_a;
#endif
#ifdef HAS_UV_B
in vec2 v_uv_b;
#endif
layout(location = 0) out vec4 lit;
layout(location = 1) out vec4 unlit;
uniform vec3 u_eye;
uniform vec4 u_base;
uniform vec3 u_rough_metal_cutoff;
uniform vec3 u_emissive;
uniform vec2 u_normal_occlusion;  // scale, strength
uniform sampler2D t_base, t_metal, t_normal, t_occlusion, t_emissive;
uniform mat2x3 m_base, m_metal, m_normal, m_occlusion, m_emissive;

const float PI = 3.14159265;
const vec3 KEY_TO = vec3(0.3841, 0.7682, 0.5121), KEY = vec3(2.3, 2.25, 2.15);
const vec3 FILL_TO = vec3(-0.7682, 0.2561, -0.5868), FILL = vec3(0.8, 0.85, 0.95);
const vec3 HEAD = vec3(0.9);
const vec3 SKY = vec3(0.34, 0.36, 0.38), GROUND = vec3(0.20, 0.19, 0.18);

vec3 encoded(vec3 linear) {
    vec3 c = clamp(linear, 0.0, 1.0);
    return mix(c * 12.92, 1.055 * pow(max(c, vec3(1e-8)), vec3(1.0 / 2.4)) - 0.055, step(0.0031308, c));
}

vec3 shine(vec3 to, vec3 light, vec3 n, vec3 v, float n_v, vec3 diffuse, vec3 f0, float a2) {
    vec3 h = normalize(to + v);
    float n_l = max(dot(n, to), 0.0), n_h = max(dot(n, h), 0.0), v_h = max(dot(v, h), 0.0);
    float spread = n_h * n_h * (a2 - 1.0) + 1.0;
    float shadowed = n_l * sqrt(n_v * n_v * (1.0 - a2) + a2) + n_v * sqrt(n_l * n_l * (1.0 - a2) + a2);
    float x = 1.0 - v_h, x2 = x * x;
    vec3 fresnel = f0 + (1.0 - f0) * x2 * x2 * x;
    vec3 mirrored = fresnel * (a2 / (PI * spread * spread) * 0.5 / max(shadowed, 1e-5));
    return light * n_l * ((1.0 - fresnel) * diffuse / PI + mirrored);
}

void main() {
    vec4 base = u_base;
#ifdef HAS_COLOR
    base *= v_color;
#endif
    vec3 dx = dFdx(v_position), dy = dFdy(v_position);
#ifdef SLOT_BASE
    base *= SAMPLE_BASE;
#endif
#ifdef SLOT_METAL
    vec4 metal_texel = SAMPLE_METAL;
#endif
#ifdef SLOT_NORMAL
    vec2 normal_uv = UV_NORMAL;
    vec2 duv_dx = dFdx(normal_uv), duv_dy = dFdy(normal_uv);
    vec3 normal_texel = SAMPLE_NORMAL.xyz * 2.0 - 1.0;
#endif
#ifdef SLOT_OCCLUSION
    float occlusion = mix(1.0, SAMPLE_OCCLUSION.r, u_normal_occlusion.y);
#else
    float occlusion = 1.0;
#endif
    vec3 glow = u_emissive;
#ifdef SLOT_EMISSIVE
    glow *= SAMPLE_EMISSIVE.rgb;
#endif
#ifdef MASKED
    if (base.a < u_rough_metal_cutoff.z) discard;
#endif
#ifdef BLENDED  // drawn through an 8 x 8 Bayer screen, the same for every file
    uvec2 at = uvec2(gl_FragCoord.xy) & 7u;
    uint mixed = at.x ^ at.y;
    uint rank = ((mixed & 1u) << 5) | ((at.y & 1u) << 4) | ((mixed & 2u) << 2) | ((at.y & 2u) << 1)
        | ((mixed & 4u) >> 1) | ((at.y & 4u) >> 2);
    if (base.a * 64.0 <= float(rank) + 0.5) discard;
#endif
    vec3 flat_color = encoded(base.rgb);
    unlit = vec4(flat_color, 1.0);
#ifdef UNLIT
    lit = unlit;
#else
    vec3 v = normalize(u_eye - v_position);
#ifdef HAS_NORMAL
    vec3 n = normalize(v_normal);
    float facing = gl_FrontFacing ? 1.0 : -1.0;
#else
    vec3 n = cross(dx, dy);
    n *= inversesqrt(max(dot(n, n), 1e-37));
    float facing = 1.0;
    n = dot(n, v) < 0.0 ? -n : n;
#endif
#ifdef SLOT_NORMAL
#ifdef HAS_TANGENT
    vec3 t = normalize(v_tangent.xyz - n * dot(n, v_tangent.xyz));
    vec3 b = cross(n, t) * v_tangent.w;
#else
    vec3 across_y = cross(dy, n * facing), across_x = cross(n * facing, dx);
    vec3 t = across_y * duv_dx.x + across_x * duv_dy.x;
    vec3 b = -(across_y * duv_dx.y + across_x * duv_dy.y);  // green is up, v runs down
    float longest = inversesqrt(max(max(dot(t, t), dot(b, b)), 1e-37));
    t *= longest;
    b *= longest;
#endif
    normal_texel.xy *= u_normal_occlusion.x;
    vec3 bent = t * normal_texel.x + b * normal_texel.y + n * normal_texel.z;
    n = bent * inversesqrt(max(dot(bent, bent), 1e-12));
#endif
    n *= facing;
    float roughness = u_rough_metal_cutoff.x, metal = u_rough_metal_cutoff.y;
#ifdef SLOT_METAL
    roughness *= metal_texel.g;
    metal *= metal_texel.b;
#endif
    roughness = clamp(roughness, 0.06, 1.0);
    float a = roughness * roughness, a2 = a * a;
    float n_v = max(dot(n, v), 1e-3);
    vec3 diffuse = base.rgb * (1.0 - metal);
    vec3 f0 = mix(vec3(0.04), base.rgb, metal);
    vec3 color = shine(KEY_TO, KEY, n, v, n_v, diffuse, f0, a2);
    color += shine(FILL_TO, FILL, n, v, n_v, diffuse, f0, a2) + shine(v, HEAD, n, v, n_v, diffuse, f0, a2);
    vec3 around = mix(GROUND, SKY, n.y * 0.5 + 0.5);
    vec3 reflected = mix(GROUND, SKY, clamp(reflect(-v, n).y / (0.2 + roughness) * 0.5 + 0.5, 0.0, 1.0));
    vec4 r = roughness * vec4(-1.0, -0.0275, -0.572, 0.022) + vec4(1.0, 0.0425, 1.04, -0.04);
    float bend = min(r.x * r.x, exp2(-9.28 * n_v)) * r.x + r.y;
    vec2 brdf = vec2(-1.04, 1.04) * bend + r.zw;  // Karis 2014: the environment's share without a table
    color += (diffuse * around + (f0 * brdf.x + brdf.y) * reflected) * occlusion + glow;
    lit = vec4(encoded(color), 1.0);
#endif
}
"""

MIRROR_FUNCTION = """
vec2 mirrored_uv(vec2 uv, bvec2 folded) {
    vec2 turned = 1.0 - abs(fract(uv * 0.5) * 2.0 - 1.0);
    return vec2(folded.x ? turned.x : uv.x, folded.y ? turned.y : uv.y);
}
"""


def sampling(slot: Slot, coordinates: str, wrap: tuple[Wrap, Wrap]) -> str:
    """The defines by which the shader reads one texture. coordinates: the varying that holds its UV."""
    uv = f"(vec3({coordinates}, 1.0) * m_{slot})"
    if Wrap.MIRROR in wrap:
        scale = 2.0**LOD_BIAS
        folded = ", ".join("true" if side is Wrap.MIRROR else "false" for side in wrap)
        slopes = f"{scale} * dFdx({uv}), {scale} * dFdy({uv})"
        texel = f"textureGrad(t_{slot}, mirrored_uv({uv}, bvec2({folded})), {slopes})"
    else:
        texel = f"texture(t_{slot}, {uv}, {LOD_BIAS})"
    name = slot.upper()
    return f"#define SLOT_{name}\n#define UV_{name} {uv}\n#define SAMPLE_{name} {texel}\n"
