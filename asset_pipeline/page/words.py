"""The page's words in English, with the Vietnamese beside them."""

from asset_pipeline.page.markup import Markup, joined, tag

WORDS: dict[str, tuple[str, str]] = {
    "title": ("What a visitor would see", "Khách tham quan sẽ thấy gì"),
    "masters": ("Masters", "Bản gốc"),
    "master": ("Master", "Bản gốc"),
    "problems": ("Problems", "Vấn đề"),
    "error": ("Error", "Lỗi"),
    "warning": ("Warning", "Cảnh báo"),
    "derivatives": ("Derivatives", "Các bản dẫn xuất"),
    "stills": ("Before and after", "Trước và sau"),
    "before": ("before", "trước"),
    "after": ("after", "sau"),
    "slide": ("Slide between before and after", "Kéo để so sánh trước và sau"),
    "worst": ("Worst view, lit", "Góc nhìn kém nhất, có chiếu sáng"),
    "lit": ("First view, lit", "Góc nhìn đầu tiên, có chiếu sáng"),
    "unlit": ("First view, colour only", "Góc nhìn đầu tiên, chỉ có màu bề mặt"),
    "difference": (
        "Difference in the worst view, 4 times as strong",
        "Khác biệt ở góc nhìn kém nhất, tăng 4 lần",
    ),
    "verdicts": ("Device verdicts", "Đánh giá theo thiết bị"),
    "guide": (
        "Rules from the makers' documents and talks; no device was held in hand.",
        "Quy tắc lấy từ tài liệu của nhà sản xuất; chưa thử trên thiết bị thật.",
    ),
    "rules": ("rules", "quy tắc"),
    "holds": ("holds", "đạt"),
    "fails": ("fails", "không đạt"),
    "turntable": ("Turntable", "Xem xoay vòng"),
    "turn": ("Turn the model", "Xoay mô hình"),
    "more_views": ("More views", "Các góc nhìn khác"),
    "picture": ("Picture", "Ảnh đại diện"),
    "settings": ("Settings chosen", "Thông số đã chọn"),
    "trials": ("Trials", "Các lần thử"),
    "measures": ("All measures", "Toàn bộ số đo"),
    "files": ("Files", "Tệp"),
    "tools": ("Made with", "Công cụ đã dùng"),
    "recipe": ("Recipe", "Công thức"),
    "size": ("Size", "Dung lượng"),
    "triangles": ("Triangles", "Số tam giác"),
    "vertices": ("Vertices", "Số đỉnh"),
    "points": ("Points", "Số điểm"),
    "texture": ("Texture", "Ảnh bề mặt"),
    "pixels": ("Pixels", "Điểm ảnh"),
    "gpu": ("GPU memory", "Bộ nhớ GPU"),
    "error_m": ("Geometric error", "Sai số hình học"),
    "error_mean_m": ("Mean geometric error", "Sai số hình học trung bình"),
    "uv_drift": ("UV drift", "Độ lệch UV"),
    "ssim": ("SSIM lit / colour", "SSIM có sáng / màu"),
    "psnr": ("PSNR lit / colour", "PSNR có sáng / màu"),
    "worst_ssim": ("Worst view", "Góc nhìn kém nhất"),
    "extent": ("Extent", "Kích thước thật"),
    "target": ("Target", "Mục tiêu"),
    "devices": ("Devices", "Thiết bị"),
    "ok": ("done", "hoàn thành"),
    "refused": ("refused", "bị từ chối"),
    "failed": ("failed", "lỗi hệ thống"),
    "none": ("No masters were found.", "Không tìm thấy bản gốc nào."),
}


def english(key: str) -> str:
    """The English words alone, for attributes and table labels."""
    return WORDS[key][0]


def both(key: str) -> Markup:
    """English, then Vietnamese in a span that says its language."""
    first, second = WORDS[key]
    return joined(first, " ", tag("span", second, lang="vi"))


def heading(level: int, key: str) -> Markup:
    """A heading in both languages."""
    return tag(f"h{level}", both(key))
